import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import { seededRandom } from '../../fake-hub/faults.ts';
import { DATABASE_FILE } from '../../local/sqlite/database.ts';
import { readSamples, type Sample, samplingFlags } from './samples.ts';
import { type Doing, expectedAnswers, type SoakFault, STEADY_FAULTS, THROTTLING_FAULTS } from './soak-faults.ts';
import { drawOrder, type HeldLease, playOrder, SOAK_SECRETS } from './soak-orders.ts';
import {
  type Answers,
  excessOf,
  PROMISED_MS,
  type Recorded,
  recordFaults,
  THROTTLED_AT,
  timesOf,
} from './soak-verdict.ts';
import { ACCOUNT, CI_ARN, onStage, type Stage, untilQuiet } from './stage.ts';
import { livesOn, verdictOf } from './verdict.ts';

/** How many leases are ordered a second, and for how long. */
export interface Soak {
  readonly rate: number;
  readonly seconds: number;
  /** Draws orders and faults. */
  readonly seed: number;
  /** On all the time; `STEADY_FAULTS` when absent. */
  readonly faults?: readonly SoakFault[];
  /** Hears from time to time how many seconds of it are over, and how many leases were answered. */
  readonly tell?: (seconds: number, leases: number) => void;
}

/** The fake remembers 100,000 deleted tokens, by which the run is judged; some orders take two. */
export const SOAK_MAX_ORDERS = 80_000;

/** What a soak was like. */
export interface SoakReport {
  /** Leases that were answered. */
  readonly leases: number;
  readonly answers: readonly Answers[];
  /** Of the edition's process, while orders came in. */
  readonly samples: readonly Sample[];
  /** How much larger the data folder became, by kind of file. */
  readonly grownBytes: { readonly database: number; readonly audit: number };
  /** How long after their lease's end tokens lived, where no client ended it early; after its beginning where nobody was told of one. */
  readonly lateMs: { readonly median: number; readonly most: number };
  /** How late orders were sent: this process's own fault, and not the edition's. */
  readonly sentLateMs: { readonly median: number; readonly most: number };
  readonly counts: Readonly<Record<string, number>>;
  /** Broken promises, and faults that showed more often than they were played. Empty when all is well. */
  readonly faults: readonly string[];
}

/** One a second: enough for medians of a minute, and nothing beside the load. */
const SAMPLE_EVERY_MS = 1_000;
/** Ten times in each third of ten minutes; */
const COLLECT_EVERY_SECONDS = 20;
/** and in shorter runs so often that each third has a median. */
const FEWEST_COLLECTIONS = 15;
/** Owns the organization. Without a second factor, so that both ways to log in are gone. */
const SECOND_ACCOUNT = { username: 'acme-owner', password: 'another-password-of-the-fake' };
/** The largest quota there is, so that its counters are in play and none is reached; and the organization's own limit. */
const FAR_AWAY = 10_000;
/** A session lives ten minutes and is renewed two before its end. */
const LOGIN_EVERY_SECONDS = 480;
/** A login whose answer was lost is made again; with the faults that are planned, more than this in a row is no chance. */
const LOST_LOGINS_MAX = 8;
const TELL_EVERY_SECONDS = 60;
const LOOK_EVERY_MS = 1_000;
/** Sweeps belong to the load. Every five minutes, as is usual, would be too few to see. */
const SWEEP_INTERVAL = '30s';

/**
 * Orders so many leases a second by the clock, whether or not those before were answered, with Docker Hub failing in every way; and
 * watches the embedded edition, which is a process of its own, from inside. Nothing stays of it.
 *
 * @throws whatever keeps the edition from starting or being set up.
 */
export function runSoak(soak: Soak): Promise<SoakReport> {
  const collectEveryMs = Math.min(COLLECT_EVERY_SECONDS, soak.seconds / FEWEST_COLLECTIONS) * 1_000;
  const options = {
    hub: {
      accounts: [ACCOUNT, SECOND_ACCOUNT],
      organizations: [{ name: 'acme', owners: [SECOND_ACCOUNT.username], repositories: ['app'], tokenCap: FAR_AWAY }],
      seed: soak.seed,
    },
    flags: ['--sweep-interval', SWEEP_INTERVAL],
    nodeFlags: (folder: string) => samplingFlags(samplesIn(folder), SAMPLE_EVERY_MS, collectEveryMs),
  };
  return onStage(options, (stage) => underLoad(stage, soak));
}

function samplesIn(folder: string): string {
  return join(folder, 'samples.jsonl');
}

async function underLoad(stage: Stage, soak: Soak): Promise<SoakReport> {
  const { hub, ci } = stage;
  await setUp(stage.admin);
  const arm = (faults: readonly SoakFault[]) => hub.control.setFaults(faults.map(({ fault }) => fault));
  const steady = soak.faults ?? STEADY_FAULTS;
  arm(steady);
  const counts = new Map<string, { doing: Doing; answer: string; count: number }>();
  const heard = (doing: Doing, answer: string) => {
    const key = `${doing}: ${answer}`;
    const counted = counts.get(key) ?? { doing, answer, count: 0 };
    counted.count += 1;
    counts.set(key, counted);
  };
  const held = new Map<string, HeldLease>();
  const doubled: string[] = [];
  const hold = (lease: HeldLease) => {
    if (held.has(lease.id)) doubled.push(`lease ${lease.id} was answered twice`);
    held.set(lease.id, lease);
  };

  const random = seededRandom(soak.seed);
  const before = sizesOf(stage.dataFolder);
  const startedAtMs = Date.now();
  const sentLateMs: number[] = [];
  const playing = new Set<Promise<void>>();
  const orders = soak.rate * soak.seconds;
  const throttledAt = new Set(THROTTLED_AT.map((share) => Math.floor(orders * share)));
  for (let number = 0; number < orders; number++) {
    if (number % (soak.rate * TELL_EVERY_SECONDS) === 0) soak.tell?.(number / soak.rate, held.size);
    if (throttledAt.has(number)) arm([...THROTTLING_FAULTS, ...steady]);
    const order = drawOrder(random, number);
    const atMs = startedAtMs + (number * 1_000) / soak.rate;
    const waitMs = atMs - Date.now();
    if (waitMs > 0) await wait(waitMs);
    sentLateMs.push(Math.max(0, Date.now() - atMs));
    const played = playOrder(ci, order, heard, hold).finally(() => playing.delete(played));
    playing.add(played);
  }
  const endedAtMs = Date.now();
  await Promise.all(playing);
  // The faults stay on: tokens are to be gone in time all the same.
  await untilQuiet(hub, PROMISED_MS);
  const after = sizesOf(stage.dataFolder);
  const records = await recordsAtLast(stage.admin);

  const mostLogins = 1 + Math.ceil(soak.seconds / LOGIN_EVERY_SECONDS) + LOST_LOGINS_MAX;
  const verdict = verdictOf(hub, held, {
    logins: { [ACCOUNT.username]: [1, mostLogins], [SECOND_ACCOUNT.username]: [1, mostLogins] },
    quotas: { 'target:acme-bot': FAR_AWAY, 'target:acme': FAR_AWAY },
  });
  const answers = [...counts.values()]
    .map((counted) => ({ ...counted, expected: expectedAnswers(counted.doing).has(counted.answer) }))
    .sort((one, other) => one.doing.localeCompare(other.doing) || other.count - one.count);
  const timing = timesOf(livesOn(hub), held);
  return {
    leases: held.size,
    answers,
    samples: readSamples(samplesIn(stage.folder)).filter(({ atMs }) => atMs > startedAtMs && atMs <= endedAtMs),
    grownBytes: { database: after.database - before.database, audit: after.audit - before.audit },
    lateMs: spanOf(timing.lateMs),
    sentLateMs: spanOf(sentLateMs),
    counts: {
      ...verdict.counts,
      'leases still waiting for proof': records.filter(({ status }) => status !== 'revoked').length,
    },
    faults: [
      ...verdict.faults,
      ...doubled,
      ...timing.faults,
      ...recordFaults(records, held),
      ...excessOf(answers, soak.rate),
    ],
  };
}

async function setUp(admin: Client): Promise<void> {
  const targets = {
    'acme-bot': { kind: 'user', credential: ACCOUNT, maxActive: FAR_AWAY },
    acme: { kind: 'org', organization: 'acme', credential: SECOND_ACCOUNT, maxActive: FAR_AWAY },
  };
  for (const [name, body] of Object.entries(targets)) await admin.call('putTarget', { name, body });
  for (const [name, { target, renewable }] of Object.entries(SOAK_SECRETS)) {
    const resources = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }];
    const reach = target === 'acme' ? { resources } : { scope: 'repo:write' };
    const body = { target, ...reach, renewable, defaultTtl: '5s', maxTtl: '1m', maxActive: FAR_AWAY, allow: [CI_ARN] };
    await admin.call('putSecret', { name, body });
  }
}

/** The database is what SQLite has put into its own file and not only its log, whose size says nothing. */
function sizesOf(dataFolder: string): { database: number; audit: number } {
  const audits = readdirSync(dataFolder).filter((name) => /^audit.*\.jsonl$/.test(name));
  return {
    database: statSync(join(dataFolder, DATABASE_FILE)).size,
    audit: audits.reduce((sum, name) => sum + statSync(join(dataFolder, name)).size, 0),
  };
}

/**
 * All leases on record, once those whose token is known have ended, or should have. The others are of creates without an answer:
 * on an account where tokens come and go all the time, only Docker Hub's own clock proves their end.
 */
async function recordsAtLast(admin: Client): Promise<Recorded[]> {
  const giveUpAtMs = Date.now() + PROMISED_MS;
  const isWaiting = ({ tokenId }: Recorded) => tokenId !== undefined;
  while ((await recorded(admin, 'revoking')).some(isWaiting) && Date.now() < giveUpAtMs) await wait(LOOK_EVERY_MS);
  return recorded(admin);
}

async function recorded(admin: Client, status?: 'revoking'): Promise<Recorded[]> {
  const all: Recorded[] = [];
  let nextToken: string | undefined;
  do {
    const query = {
      limit: '100',
      ...(status !== undefined && { status }),
      ...(nextToken !== undefined && { nextToken }),
    };
    const { body } = await admin.call('listAllLeases', { query });
    all.push(...body.items);
    nextToken = body.nextToken;
  } while (nextToken !== undefined);
  return all;
}

function spanOf(values: readonly number[]): { median: number; most: number } {
  const sorted = values.toSorted((one, other) => one - other);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, most: sorted.at(-1) ?? 0 };
}
