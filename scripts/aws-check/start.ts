import { Secrets } from '../live-check/secrets.ts';
import type { Ask } from './ask.ts';
import type { AwsReads } from './aws.ts';
import { CHECKS, type CheckId, type Finding, notShown } from './catalog.ts';
import { adminDenied, callerId, foreignDenied } from './checks/accounts.ts';
import { alarmsWired } from './checks/alarms.ts';
import { makeSecret, mint, NoSecret } from './checks/mint.ts';
import { jobRan, onTime } from './checks/on-time.ts';
import { paths } from './checks/paths.ts';
import { timerArrived } from './checks/timer.ts';
import { cleanUp, nameOf } from './cleanup.ts';
import { clockUntil, Interrupted, type Sleep } from './pause.ts';
import { EXIT, exitCodeOf, type Report, terminalText } from './report.ts';
import type { Leased, Run } from './run.ts';
import { readSettings, type Settings, SettingsRefused } from './settings.ts';

/** What the check needs from its process. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly args: readonly string[];
  /** 8 of a-z and 0-9. */
  readonly runId: string;
  readonly nowMs: () => number;
  readonly sleep: Sleep;
  /** Ends the checks. */
  readonly stop: AbortSignal;
  /** Ends the cleanup. */
  readonly quit: AbortSignal;
  /** Requests of one principal: of an AWS profile, or of what the AWS SDK finds by itself. */
  readonly askAs: (settings: Settings, profile: string | undefined) => Ask;
  /** What is read of AWS besides the API, by what the AWS SDK finds by itself. */
  readonly readsOf: (settings: Settings, stack: string) => AwsReads;
  /** The table, for people to copy. */
  readonly print: (text: string) => void;
  /** Progress and problems. */
  readonly tell: (text: string) => void;
}

/** Runs every check, removes what it made, and prints the table. Returns the exit code; never rejects. */
export async function awsCheck(world: World): Promise<number> {
  let settings: Settings;
  try {
    settings = readSettings(world.env, world.args);
  } catch (error) {
    if (!(error instanceof SettingsRefused)) throw error;
    world.tell(`aws-check: ${error.message}`);
    return EXIT.refused;
  }
  const secrets = new Secrets();
  const run = runOf(world, settings, secrets);
  const tell = (text: string) => world.tell(secrets.hide(`aws-check: ${text}`));
  tell(`leases from target "${settings.target}" by secret "${run.secret}", and removes both leases and secret`);
  const findings = new Map<CheckId, Finding>();
  let isSecretSent = false;
  const note = (id: CheckId, finding: Finding) => {
    findings.set(id, finding);
    tell(`${CHECKS[id]}: ${finding.verdict}. ${finding.detail}`);
  };
  const stopped = await untilStopped(async () => {
    await makeSecret(run, () => {
      isSecretSent = true;
    });
    await runChecks(run, note);
  });
  if (isSecretSent) tell('removes what it made');
  const cleanup = isSecretSent
    ? await cleanUp(run.admin, run.secret, clockUntil(world.quit, world.nowMs, world.sleep))
    : undefined;
  const report: Report = {
    endpoint: settings.endpoint,
    secret: run.secret,
    findings,
    ...(stopped !== undefined && { stopped }),
    ...(cleanup !== undefined && { cleanup }),
  };
  world.print(secrets.hide(terminalText(report)));
  return exitCodeOf(report);
}

function runOf(world: World, settings: Settings, secrets: Secrets): Run {
  const { stack, consumerProfile, foreignProfile, target, ttl, patienceMs } = settings;
  return {
    admin: world.askAs(settings, undefined),
    ...(consumerProfile !== undefined && { consumer: world.askAs(settings, consumerProfile) }),
    ...(foreignProfile !== undefined && { foreign: world.askAs(settings, foreignProfile) }),
    ...(stack !== undefined && { aws: world.readsOf(settings, stack) }),
    clock: clockUntil(world.stop, world.nowMs, world.sleep),
    secrets,
    secret: `aws-check/${world.runId}`,
    target,
    ttl,
    patienceMs,
  };
}

/** Those that wait for AWS come last, the slowest at the end. */
async function runChecks(run: Run, note: (id: CheckId, finding: Finding) => void): Promise<void> {
  const check = async (id: CheckId, work: () => Promise<Finding>) => note(id, await orNotShown(run, work));
  let leased: Leased | undefined;
  await check('mint', async () => {
    const minted = await mint(run);
    leased = minted.leased;
    return minted.finding;
  });
  await check('paths', () => paths(run));
  await check('foreign', () => foreignDenied(run));
  await check('admin', () => adminDenied(run));
  await check('caller-id', () => callerId(run));
  await check('alarms', () => alarmsWired(run));
  const ofLease = (work: (of: Leased) => Promise<Finding>) => async () =>
    leased === undefined ? notShown('There is no lease to look at.') : work(leased);
  await check(
    'on-time',
    ofLease((of) => onTime(run, of)),
  );
  await check(
    'job',
    ofLease((of) => jobRan(run, of)),
  );
  await check('timer', () => timerArrived(run));
}

/** A request that failed on its way shows nothing, and must not keep the other checks from running. */
async function orNotShown({ clock }: Run, work: () => Promise<Finding>): Promise<Finding> {
  await clock.pause(0);
  try {
    return await work();
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return notShown(`A request failed: ${nameOf(error)}.`);
  }
}

async function untilStopped(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Interrupted) return 'The run was interrupted.';
    if (error instanceof NoSecret) return `The checks did not run: ${error.message}.`;
    return `The checks ended early: a request failed (${nameOf(error)}).`;
  }
}
