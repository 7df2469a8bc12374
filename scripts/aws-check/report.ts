import Table from 'cli-table3';
import { count } from '../live-check/words.ts';
import { CHECKS, type CheckId, type Finding } from './catalog.ts';
import type { Cleanup } from './cleanup.ts';

/** What a run came to. */
export interface Report {
  readonly endpoint: string;
  readonly secret: string;
  readonly findings: ReadonlyMap<CheckId, Finding>;
  /** Why checks are missing: it was interrupted, or something failed that every check needs. */
  readonly stopped?: string;
  /** Absent where nothing was made. */
  readonly cleanup?: Cleanup;
}

/** Nothing failed and nothing is left; something failed or is left; not started; ended early, and nothing is left. */
export const EXIT = { ok: 0, failed: 1, refused: 2, stopped: 3 } as const;

export function exitCodeOf({ findings, cleanup, stopped }: Report): number {
  const isLeft = cleanup !== undefined && (cleanup.isSecretLeft || cleanup.leases.length > 0);
  if (isLeft || [...findings.values()].some(({ verdict }) => verdict === 'failed')) return EXIT.failed;
  return stopped === undefined ? EXIT.ok : EXIT.stopped;
}

/** For the terminal. No colours: it is to be copied. */
export function terminalText(report: Report): string {
  const table = new Table({
    head: ['check', 'verdict', 'seen'],
    colWidths: [34, 11, 66],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const [id, check] of Object.entries(CHECKS) as [CheckId, string][]) {
    const { verdict, detail } = report.findings.get(id) ?? { verdict: 'not run', detail: '' };
    table.push([check, verdict, detail]);
  }
  return `${table.toString()}\n${closingLines(report).join('\n')}\n`;
}

function closingLines({ findings, stopped, cleanup, secret }: Report): string[] {
  const of = (verdict: Finding['verdict']) => [...findings.values()].filter((each) => each.verdict === verdict).length;
  return [
    `${of('passed')} passed, ${of('failed')} failed, ${of('not shown')} not shown, ${Object.keys(CHECKS).length - findings.size} not run.`,
    ...(stopped === undefined ? [] : [stopped]),
    ...(cleanup === undefined ? ['Nothing was made.'] : cleanupLines(cleanup, secret)),
  ];
}

function cleanupLines({ leases, isSecretLeft, made, problem }: Cleanup, secret: string): string[] {
  if (!isSecretLeft && leases.length === 0)
    return [`${count(made, 'lease')} made and revoked, and the secret deleted.`];
  return [
    ...(problem === undefined ? [] : [`The cleanup ended early: ${problem}.`]),
    ...leases.map((id) => `LEFT: lease ${id}. Revoke it: hublease revoke ${id}.`),
    ...(isSecretLeft ? [`LEFT: secret ${secret}, perhaps. Delete it: hublease secrets delete ${secret}.`] : []),
  ];
}
