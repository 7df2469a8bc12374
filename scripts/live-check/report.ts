import Table from 'cli-table3';
import { VERSION } from '../../functions/wire/version.ts';
import type { Answer } from './answers.ts';
import type { Cleanup } from './cleanup.ts';
import type { MadeToken } from './ledger.ts';
import { type StopReason, sayReason } from './stop.ts';
import { count, instantText } from './words.ts';

/** What a run came to. Holds no secret, no user name and no name of an organization. */
export interface Report {
  readonly runId: string;
  readonly hub: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly requests: number;
  readonly stopped?: StopReason;
  readonly answers: readonly Answer[];
  readonly cleanup: Cleanup;
}

/** Nothing is left and everything was asked; something is left or may be; the questions ended early, and nothing is left. */
export const EXIT = { done: 0, left: 1, refused: 2, stopped: 3 } as const;

export function exitCodeOf({ cleanup, stopped }: Report): number {
  if (!cleanup.isProven || cleanup.left.length > 0) return EXIT.left;
  return stopped === undefined ? EXIT.done : EXIT.stopped;
}

const NOT_ASKED = 'not asked';

/** For the terminal. No colours: it is to be copied. */
export function terminalText(report: Report): string {
  const table = new Table({
    head: ['', 'question', `answer of ${new URL(report.hub).host}`, 'what it changes in hublease'],
    colWidths: [14, 28, 56, 50],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  table.push(...rowsOf(report));
  return `${table.toString()}\n${closingLines(report).join('\n')}\n`;
}

export function markdownText(report: Report): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = [
    ['about', 'question', 'answer', 'what it changes in hublease'],
    ['---', '---', '---', '---'],
    ...rowsOf(report),
  ];
  const table = rows.map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
  return [
    '# Live check of a Docker Hub',
    `hublease ${VERSION}, ${report.hub}, ${instantText(report.startedAtMs)} to ${instantText(report.endedAtMs)}, ${report.requests} requests, run ${report.runId}.`,
    table,
    closingLines(report)
      .map((line) => `- ${cell(line)}`)
      .join('\n'),
    '',
  ].join('\n\n');
}

export function jsonText(report: Report): string {
  const { cleanup, startedAtMs, endedAtMs, stopped, ...rest } = report;
  return `${JSON.stringify(
    {
      schema: 1,
      hublease: VERSION,
      ...rest,
      startedAt: instantText(startedAtMs),
      endedAt: instantText(endedAtMs),
      stopped: stopped?.kind ?? null,
      cleanup: {
        made: cleanup.made,
        proven: cleanup.isProven,
        freshLogin: cleanup.isFreshLogin,
        left: cleanup.left.map((made) => ({
          kind: kindOf(made),
          tokenId: made.tokenId ?? null,
          label: made.shownLabel ?? made.label,
          expires: expiryOf(made),
        })),
        unclear: cleanup.unclear.map(({ tokenId }) => ({ tokenId })),
      },
    },
    null,
    2,
  )}\n`;
}

function rowsOf({ answers }: Report): string[][] {
  return answers.map(({ about, question, answer, changes }) => [about, question, answer ?? NOT_ASKED, changes ?? '']);
}

/** How the run ended, and each token that may be left. */
export function closingLines({ cleanup, stopped }: Report): readonly string[] {
  const { left, unclear, made, isProven, isFreshLogin, failure } = cleanup;
  const gone = made - left.filter(({ tokenId }) => tokenId !== undefined).length;
  return [
    ...(stopped === undefined ? [] : [sayReason(stopped)]),
    made === 0 && left.length === 0 ? 'No token was made.' : `${count(made, 'token')} made, ${gone} proven gone.`,
    ...(failure === undefined ? [] : [`The cleanup failed: ${failure}`]),
    ...(made > 0 && !isFreshLogin ? ['No new login was accepted for the cleanup.'] : []),
    ...(isProven || left.length > 0
      ? []
      : [
          'The list of tokens at the end does not prove it: look on the web page for labels that begin with those of the run.',
        ]),
    ...left.map(
      (token) =>
        `LEFT: ${kindOf(token)} token ${token.tokenId ?? 'of unknown id (the create had no answer)'}, label "${token.shownLabel ?? token.label}", expires ${expiryOf(token)}. Delete it on the web page.`,
    ),
    ...unclear.map(
      ({ tokenId }) =>
        `UNCLEAR: token ${tokenId} appeared during the run. It may be of the run; nothing proves it, so it was not touched.`,
    ),
  ];
}

function kindOf({ at }: MadeToken): string {
  return at.kind === 'pat' ? 'personal' : 'organization';
}

function expiryOf({ reportedExpiresAtMs, askedExpiresAtMs }: MadeToken): string {
  return reportedExpiresAtMs === undefined
    ? `unknown (asked for: ${instantText(askedExpiresAtMs)})`
    : instantText(reportedExpiresAtMs);
}
