import { setTimeout as wait } from 'node:timers/promises';
import { type Client, ProblemError } from '../../client/client.ts';
import { ACCOUNT, CI_ARN, onStage, type Stage, untilQuiet } from './stage.ts';
import { type MintedLease, type Verdict, verdictOf } from './verdict.ts';

/** How many clients lease at once, and for how long. */
export interface Load {
  readonly seconds: number;
  readonly clients: number;
}

/** Several TTLs, and far more than any machine's slowness: by then the last token must be gone. */
const PATIENCE_MS = 30_000;
/** Between two orders of one client; without it most of the load would be refusals. */
const PAUSE_MS = 50;
/** Longer than a mint takes on a machine that is busy with other things, else tokens would be too late to be handed out. */
const TTL = '5s';

/** Answers that keep every promise: tokens, and refusals of clients that race for few places. */
const EXPECTED = new Set(['minted', 'given back', 'quota_reached', 'in_flight']);

/**
 * Leases for a while from many clients at once, with the embedded edition in a process of its own and the fake Docker Hub, whose
 * one account has two-factor authentication, in this one; then looks at what that left behind. Nothing stays of it.
 *
 * @throws whatever keeps the edition from starting, or a client from being answered at all.
 */
export function runLoad(load: Load): Promise<Verdict> {
  return onStage({}, (stage) => underLoad(stage, load));
}

async function underLoad({ hub, admin, ci }: Stage, load: Load): Promise<Verdict> {
  // Fewer places than clients, so that each quota is reached all the time.
  const quotas = { 'target:acme-bot': Math.ceil(load.clients / 2), 'secret:load/few': Math.ceil(load.clients / 8) };
  await setUp(admin, quotas);
  const counts = new Map<string, number>();
  const count = (what: string, by = 1) => counts.set(what, (counts.get(what) ?? 0) + by);
  const minted = new Map<string, MintedLease>();
  const untilMs = Date.now() + load.seconds * 1_000;
  const worker = async (index: number) => {
    for (let round = 0; Date.now() < untilMs; round++) {
      const turn = index + round;
      const secret = turn % 3 === 0 ? 'load/few' : 'load/many';
      const key = turn % 4 === 0 ? `client-${index}-${round}` : undefined;
      const call = {
        name: secret,
        body: { ttl: TTL, label: `client-${index}-${round}` },
        ...(key !== undefined && { idempotencyKey: key }),
      };
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
        minted.set(id, { tokenId, secret });
        // Most are given back, the others end by themselves.
        if (turn % 4 < 3) count((await ci.call('revokeLease', { name: id })).status === 200 ? 'given back' : 'pending');
      }
      await wait(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: load.clients }, (_, index) => worker(index)));
  await untilQuiet(hub, PATIENCE_MS);
  const verdict = verdictOf(hub, minted, { logins: { [ACCOUNT.username]: [1, 1] }, quotas });
  const unexpected = [...counts.keys()].filter((what) => !EXPECTED.has(what));
  return {
    counts: { ...Object.fromEntries(counts), ...verdict.counts },
    faults: [...verdict.faults, ...unexpected.map((what) => `${counts.get(what)} answers: ${what}`)],
  };
}

async function setUp(admin: Client, quotas: Readonly<Record<'target:acme-bot' | 'secret:load/few', number>>) {
  const target = { kind: 'user', credential: ACCOUNT, maxActive: quotas['target:acme-bot'] };
  await admin.call('putTarget', { name: 'acme-bot', body: target });
  const secret = { target: 'acme-bot', scope: 'repo:write', defaultTtl: TTL, maxTtl: '1m', allow: [CI_ARN] };
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
