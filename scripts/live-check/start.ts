import type { Dispatcher } from 'undici';
import {
  ANSWER_MAX_BYTES,
  type HubOptions,
  hubExchange,
  withDeadline,
} from '../../functions/adapters/docker-hub/http.ts';
import { header } from '../../functions/adapters/docker-hub/meta.ts';
import { VERSION } from '../../functions/wire/version.ts';
import { Answers } from './answers.ts';
import { Api } from './api.ts';
import type { QuestionId } from './catalog.ts';
import { cleanUp } from './cleanup.ts';
import { Ledger } from './ledger.ts';
import { Line, type LineParts } from './line.ts';
import { organizationPlace, type Place, personalPlace } from './place.ts';
import { askAll } from './questions/index.ts';
import { Registry } from './registry.ts';
import { EXIT, exitCodeOf, jsonText, markdownText, type Report, terminalText } from './report.ts';
import type { Run } from './run.ts';
import { Secrets } from './secrets.ts';
import { Sessions } from './sessions.ts';
import { isLoopback, readSettings, type Settings, SettingsRefused } from './settings.ts';
import { Stopped, type StopReason } from './stop.ts';

/** Longer than hublease itself waits: a slow answer is an answer, and a lost create costs a long cleanup. */
const REQUEST_TIMEOUT_MS = 30_000;
const FAKE_SERVER = 'hublease-fake-docker-hub';

/** What the live check needs from its process. */
export interface World extends LineParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly args: readonly string[];
  readonly dispatcher: Dispatcher;
  readonly runId: string;
  /** The table, for people to copy. */
  readonly print: (text: string) => void;
  /** Progress and problems. */
  readonly tell: (text: string) => void;
  /** @throws when the folder cannot be made or the file not written. */
  readonly writeFile: (folder: string, name: string, text: string) => void;
}

/** Asks everything, deletes what it made, and reports. Returns the exit code; never rejects. */
export async function liveCheck(world: World): Promise<number> {
  let settings: Settings;
  try {
    settings = readSettings(world.env, world.args);
  } catch (error) {
    if (!(error instanceof SettingsRefused)) throw error;
    world.tell(`live-check: ${error.message}`);
    return EXIT.refused;
  }
  const secrets = new Secrets();
  const { credential, deviceSession } = settings;
  secrets.add(credential.password, credential.totpSecret, deviceSession);
  const tell = (text: string) => world.tell(secrets.hide(text));
  const options = hubOptions(world, settings);
  if (!(await mayStart(settings, options, tell))) return EXIT.refused;

  const report = await runAndCleanUp(world, settings, options, secrets, tell);
  for (const [name, text] of [
    [`${report.runId}.json`, jsonText(report)],
    [`${report.runId}.md`, markdownText(report)],
  ] as const) {
    try {
      world.writeFile(settings.reportFolder, name, secrets.hide(text));
      tell(`live-check: wrote ${name} to ${settings.reportFolder}`);
    } catch {
      tell(`live-check: ${name} cannot be written to ${settings.reportFolder}`);
    }
  }
  world.print(secrets.hide(terminalText(report)));
  return exitCodeOf(report);
}

function hubOptions({ dispatcher, nowMs, runId }: World, { origins }: Settings): HubOptions {
  return {
    origin: origins.hub,
    timeoutMs: REQUEST_TIMEOUT_MS,
    // Docker Hub keeps it with each token, so that it proves whose a token is.
    userAgent: `hublease-live-check/${VERSION} (${runId})`,
    nowMs,
    dispatcher,
  };
}

/** The fake may be asked anything. Any other Docker Hub only with an account of which its owner says that nobody needs it. */
async function mayStart(settings: Settings, options: HubOptions, tell: (text: string) => void): Promise<boolean> {
  if (isLoopback(new URL(settings.origins.hub).hostname) && (await isFake(options))) return true;
  const { username } = settings.credential;
  if (settings.throwaway?.toLowerCase() === username.toLowerCase()) {
    tell(`live-check: WARNING: it makes and deletes access tokens of this account at ${settings.origins.hub}.`);
    tell('live-check: Use an account that nobody needs: Docker may lock it, limit it, or bill it for many tokens.');
    return true;
  }
  tell(
    `live-check: ${settings.origins.hub} is not the fake. Use an account that nobody needs: the live check makes and`,
  );
  tell(
    'live-check: deletes access tokens there, and Docker may lock the account, limit it, or bill it for many tokens.',
  );
  tell('live-check: To start, set HUBLEASE_LIVE_THROWAWAY to its user name.');
  return false;
}

async function isFake(options: HubOptions): Promise<boolean> {
  const request = { method: 'GET', path: '/v2/access-tokens', maxBytes: ANSWER_MAX_BYTES, expects: 'status' } as const;
  const reply = await withDeadline(options.timeoutMs, (deadline) => hubExchange(options)(request, deadline));
  return reply.ok && header(reply.value.headers, 'server') === FAKE_SERVER;
}

async function runAndCleanUp(
  world: World,
  settings: Settings,
  options: HubOptions,
  secrets: Secrets,
  tell: (text: string) => void,
): Promise<Report> {
  const startedAtMs = world.nowMs();
  const { credential, organization, origins, deviceSession, mayMakeMany, mayReachCap } = settings;
  const line = new Line(world);
  const ledger = new Ledger(world.runId);
  const exchange = hubExchange(options);
  const sessions = new Sessions(credential, { line, exchange, secrets, timeoutMs: REQUEST_TIMEOUT_MS });
  const run: Run = {
    line,
    ledger,
    sessions,
    api: new Api({ options, line, sessions, ledger, secrets }),
    registry: new Registry(origins, { options, line, secrets }),
    answers: new Answers(({ about, question, answer = '' }) => tell(`${about}: ${question}: ${answer}`)),
    patienceMs: settings.patienceMs,
  };
  const places: Place[] = [
    personalPlace(credential.username.toLowerCase()),
    ...(organization === undefined ? [] : [organizationPlace(organization)]),
  ];
  tell(`live-check: run ${world.runId}; its tokens have labels that begin with "${ledger.mark}"`);
  const stopped = await untilStopped(() =>
    askAll(run, places, { mayMakeMany, mayReachCap, ...(deviceSession !== undefined && { deviceSession }) }),
  );
  tell('live-check: deletes what it made');
  const cleanup = await cleanUp(run, places, startedAtMs);
  const optional = new Set<QuestionId>([
    ...(mayReachCap ? (['cap'] as const) : []),
    ...(deviceSession === undefined ? [] : (['device-session'] as const)),
  ]);
  return {
    runId: world.runId,
    hub: origins.hub,
    startedAtMs,
    endedAtMs: world.nowMs(),
    requests: line.sent,
    ...(stopped !== undefined && { stopped }),
    answers: run.answers.all(
      places.map(({ name }) => name),
      optional,
    ),
    cleanup,
  };
}

async function untilStopped(work: () => Promise<void>): Promise<StopReason | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Stopped) return error.reason;
    return { kind: 'error', message: error instanceof Error ? error.message : 'unknown' };
  }
}
