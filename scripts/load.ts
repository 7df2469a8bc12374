// Leases for a while from many clients at once, and proves from the records of the fake Docker Hub that nothing went wrong:
//
//   npm run load -- --seconds 60 --clients 64
//
// The embedded edition runs in a process of its own; the fake, whose one account has two-factor authentication, and the clients
// run in this one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Client, hubleaseClient, ProblemError } from '../client/client.ts';
import { spawnEmbedded } from '../local/demo/spawn-embedded.ts';
import { type FakeHub, startFakeHub } from '../local/fake-hub/server.ts';
import { openProfiles } from '../local/profiles.ts';

export interface Load {
  readonly seconds: number;
  readonly clients: number;
}

/** What was done, and what of it must not have been. */
export interface LoadReport {
  readonly counts: Readonly<Record<string, number>>;
  /** Empty when all promises were kept. */
  readonly faults: readonly string[];
}

const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-fake', totpSecret: 'JBSWY3DPEHPK3PXP' };
const CI_ARN = 'arn:aws:iam::111122223333:role/ci';
/** What clients that race for few places may be told. */
const EXPECTED_CODES = new Set(['quota_reached', 'in_flight']);
/** Two TTLs and far more than any machine's slowness: by then the last token must be gone. */
const PATIENCE_MS = 30_000;
/** A client that is refused comes again after this; more often would only measure refusals. */
const PAUSE_MS = 20;

/** One token by its times on the fake. */
interface Life {
  readonly leaseId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Runs the load and looks at what it left behind. Nothing stays of it.
 *
 * @throws whatever keeps the edition from starting, or a client from being answered at all.
 */
export async function runLoad(load: Load): Promise<LoadReport> {
  const folder = await mkdtemp(join(tmpdir(), 'hublease-load-'));
  const hub = await startFakeHub({ accounts: [ACCOUNT], expireTokens: false });
  try {
    const edition = await spawnEmbedded(['--port', '0', '--data', folder, '--hub', hub.url]);
    try {
      return await underLoad(hub, edition.endpoint, folder, load);
    } finally {
      await edition.end('SIGKILL');
    }
  } finally {
    await hub.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function underLoad(hub: FakeHub, endpoint: string, folder: string, load: Load): Promise<LoadReport> {
  const profiles = await openProfiles(folder);
  const clientOf = (name: string) => {
    const credentials = profiles.find((profile) => profile.name === name);
    if (credentials === undefined) throw new Error(`no profile ${name}`);
    return hubleaseClient({ endpoint, credentials });
  };
  const admin = clientOf('hublease-admin');
  // Fewer places than clients, so that each quota is reached all the time.
  const quotas = { 'target:acme-bot': Math.ceil(load.clients / 2), 'secret:load/few': Math.ceil(load.clients / 8) };
  await setUp(admin, quotas);
  const counts = new Map<string, number>();
  const count = (what: string, by = 1) => counts.set(what, (counts.get(what) ?? 0) + by);
  const minted = new Map<string, { readonly tokenId: string; readonly secret: string; readonly key?: string }>();
  const untilMs = Date.now() + load.seconds * 1_000;
  const ci = clientOf('hublease-ci');
  const worker = async (index: number) => {
    for (let round = 0; Date.now() < untilMs; round++) {
      const turn = index + round;
      const secret = turn % 3 === 0 ? 'load/few' : 'load/many';
      const key = turn % 4 === 0 ? `client-${index}-${round}` : undefined;
      const call = { name: secret, body: { ttl: '1s' }, ...(key !== undefined && { idempotencyKey: key }) };
      // With a key the order is sent twice at once, as by a client that gave up waiting.
      const asked = key === undefined ? [attempt(ci, call)] : [attempt(ci, call), attempt(ci, call)];
      for (const answer of await Promise.all(asked)) {
        if ('code' in answer) {
          count(answer.code);
          continue;
        }
        count('minted');
        const { id, tokenId } = answer.lease;
        if (tokenId === undefined || minted.has(id)) throw new Error(`lease ${id} was answered twice or has no token`);
        minted.set(id, { tokenId, secret, ...(key !== undefined && { key }) });
        // Half of them are given back, the others end by themselves.
        if (turn % 2 === 0)
          count((await ci.call('revokeLease', { name: id })).status === 200 ? 'given back' : 'pending');
      }
      await wait(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: load.clients }, (_, index) => worker(index)));
  await untilQuiet(hub);
  return report(hub, minted, quotas, counts);
}

async function setUp(admin: Client, quotas: Readonly<Record<'target:acme-bot' | 'secret:load/few', number>>) {
  const target = { kind: 'user', credential: ACCOUNT, maxActive: quotas['target:acme-bot'] };
  await admin.call('putTarget', { name: 'acme-bot', body: target });
  const secret = { target: 'acme-bot', scope: 'repo:write', defaultTtl: '1s', maxTtl: '1m', allow: [CI_ARN] };
  await admin.call('putSecret', { name: 'load/many', body: secret });
  await admin.call('putSecret', { name: 'load/few', body: { ...secret, maxActive: quotas['secret:load/few'] } });
}

/** A mint, or the code of the problem that it was answered with. */
async function attempt(client: Client, call: Parameters<Client['call']>[1]) {
  try {
    return (await client.call('mintLease', call)).body;
  } catch (error) {
    if (error instanceof ProblemError) return { code: error.problem.code };
    throw error;
  }
}

/** Tokens of leases; a target is verified with one that is none. */
function tokensOf(hub: FakeHub) {
  return hub.control.tokens().filter(({ label }) => !label.endsWith(' verification'));
}

async function untilQuiet(hub: FakeHub): Promise<void> {
  const giveUpAtMs = Date.now() + PATIENCE_MS;
  while (tokensOf(hub).some(({ live }) => live) && Date.now() < giveUpAtMs) await wait(100);
}

function report(
  hub: FakeHub,
  minted: ReadonlyMap<string, { readonly tokenId: string; readonly secret: string; readonly key?: string }>,
  quotas: Readonly<Record<string, number>>,
  counts: ReadonlyMap<string, number>,
): LoadReport {
  const tokens = tokensOf(hub);
  const deletedAtMs = new Map(hub.control.deletions().map(({ id, atMs }) => [id, atMs]));
  const lives = tokens.map(({ id, label, createdAtMs }): Life & { readonly id: string } => ({
    id,
    leaseId: label.split(':')[2] ?? '',
    fromMs: createdAtMs,
    toMs: deletedAtMs.get(id) ?? Number.POSITIVE_INFINITY,
  }));
  const byLease = Map.groupBy(lives, ({ leaseId }) => leaseId);
  const livesOf = (leaseIds: readonly string[]) => leaseIds.flatMap((id) => byLease.get(id) ?? []);
  const ids = [...minted.keys()];
  const most = {
    'target:acme-bot': mostAtOnce(lives),
    'secret:load/few': mostAtOnce(livesOf(ids.filter((id) => minted.get(id)?.secret === 'load/few'))),
  };
  const { succeeded = 0, failed = 0 } = hub.control.calls().logins[ACCOUNT.username] ?? {};
  const keyed = Map.groupBy(
    ids.filter((id) => minted.get(id)?.key !== undefined),
    (id) => minted.get(id)?.key,
  );
  const faults = [
    ...(succeeded === 1 && failed === 0 ? [] : [`logins: ${succeeded} succeeded, ${failed} failed; expected one`]),
    ...Object.entries(most).flatMap(([quota, seen]) =>
      seen > (quotas[quota] ?? 0) ? [`${quota}: ${seen} at once, ${quotas[quota]} allowed`] : [],
    ),
    ...lives.filter(({ toMs }) => toMs === Number.POSITIVE_INFINITY).map(({ id }) => `token ${id} was left alive`),
    ...[...byLease].filter(([, of]) => of.length > 1).map(([id, of]) => `lease ${id} has ${of.length} tokens`),
    ...ids
      .filter((id) => byLease.get(id)?.[0]?.id !== minted.get(id)?.tokenId)
      .map((id) => `the token of lease ${id} is not on Docker Hub`),
    ...[...keyed]
      .filter(([, leaseIds]) => mostAtOnce(livesOf(leaseIds)) > 1)
      .map(([key]) => `key ${key} had two live tokens at once`),
    ...[...counts.keys()]
      .filter((what) => !EXPECTED_CODES.has(what) && !['minted', 'given back'].includes(what))
      .map((what) => `${counts.get(what)} answers: ${what}`),
  ];
  return {
    counts: { ...Object.fromEntries(counts), ...mostCounts(most), tokens: tokens.length, logins: succeeded },
    faults,
  };
}

function mostCounts(most: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(most).map(([quota, seen]) => [`most of ${quota}`, seen]));
}

/** The most that lived at one time. What ends in the millisecond in which another begins has ended before it. */
function mostAtOnce(lives: readonly Life[]): number {
  const steps = lives.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, by: 1 },
    { atMs: toMs, by: -1 },
  ]);
  steps.sort((one, other) => one.atMs - other.atMs || one.by - other.by);
  let now = 0;
  let most = 0;
  for (const { by } of steps) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '60' }, clients: { type: 'string', default: '64' } },
  });
  const load = { seconds: Number(values.seconds), clients: Number(values.clients) };
  if (!(load.seconds > 0 && Number.isInteger(load.clients) && load.clients > 0)) {
    console.error('load: --seconds and --clients take positive numbers');
    process.exit(2);
  }
  const { counts, faults } = await runLoad(load);
  for (const [what, number] of Object.entries(counts)) console.log(`${String(number).padStart(8)}  ${what}`);
  for (const fault of faults) console.error(`load: ${fault}`);
  console.log(faults.length === 0 ? 'All promises kept.' : `${faults.length} faults.`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
