import { setTimeout as wait } from 'node:timers/promises';
import { type Client, NoAnswerError, ProblemError } from '../../client/client.ts';
import type { AnswerOf } from '../../functions/wire/operations.ts';
import type { Doing } from './soak-faults.ts';

/** The secrets that a soak leases from, and whether their leases may be renewed. */
export const SOAK_SECRETS = {
  'soak/pat': { target: 'acme-bot', renewable: true },
  'soak/oat': { target: 'acme', renewable: true },
  'soak/brief': { target: 'acme-bot', renewable: false },
} as const;

type SecretName = keyof typeof SOAK_SECRETS;

/** What one client means to do with one lease. */
export interface Order {
  readonly label: string;
  readonly secret: SecretName;
  readonly ttlSeconds: number;
  /** Sent under an Idempotency-Key, and twice: at once, or again when the first was answered. */
  readonly twice?: 'at once' | 'after';
  /** What is done in between, in this order. */
  readonly between: readonly ('show' | 'show live' | 'renew' | 'list' | 'list live')[];
  /** Pauses between any two steps. */
  readonly pauseMs: number;
  /** Given back by its client; else it ends by itself. */
  readonly givenBack: boolean;
}

/** Longer than a create is slowed by any fault that it survives, and by a machine that is busy with other things. */
const MIN_TTL_SECONDS = 5;
const MAX_TTL_SECONDS = 10;
/** Most of an order's steps are done within the least TTL then. */
const MAX_PAUSE_MS = 700;

/** One in five is of the organization, whose requests are throttled now and then. */
export const OAT_SHARE = 0.2;

/** Draws the order of that number: half are given back, one in seven is sent twice. */
export function drawOrder(random: () => number, number: number): Order {
  const chance = (probability: number) => random() < probability;
  const secret = chance(OAT_SHARE) ? 'soak/oat' : chance(0.5) ? 'soak/pat' : 'soak/brief';
  const twice = chance(0.15) ? (chance(0.5) ? 'at once' : 'after') : undefined;
  return {
    label: `order-${number}`,
    secret,
    ttlSeconds: MIN_TTL_SECONDS + Math.floor(random() * (MAX_TTL_SECONDS - MIN_TTL_SECONDS + 1)),
    ...(twice !== undefined && { twice }),
    between: [
      ...(chance(0.2) ? (['show'] as const) : []),
      ...(chance(0.1) ? (['show live'] as const) : []),
      ...(chance(0.3) ? (['renew'] as const) : []),
      ...(chance(0.1) ? (['list'] as const) : []),
      ...(chance(0.02) ? (['list live'] as const) : []),
    ],
    pauseMs: Math.floor(random() * MAX_PAUSE_MS),
    givenBack: chance(0.5),
  };
}

/** How something that was done ended: one of the answers of `soak-faults.ts`, or a word for what should not be. */
export type Heard = (doing: Doing, answer: string) => void;

/** A lease that a client was answered. */
export interface HeldLease {
  readonly id: string;
  readonly tokenId: string;
  readonly secret: string;
  /** As last answered. */
  expiresAtMs: number;
  /** By an answer to a DELETE that was sent, or by an order under the same key. */
  endAsked: boolean;
}

type LeaseView = AnswerOf<'mintLease'>['body']['lease'];

/** Plays one order to its end. Whatever it is answered is heard; it never throws. */
export async function playOrder(client: Client, order: Order, heard: Heard, held: (lease: HeldLease) => void) {
  const key = order.twice === undefined ? undefined : order.label;
  const mine: HeldLease[] = [];
  // An order without an answer may yet be carried out, and end what a later one under its key got.
  let unsure = false;
  async function mint(doing: 'mint' | 'repeat'): Promise<HeldLease | undefined> {
    const { label, secret, ttlSeconds } = order;
    // What an order under this key got before is revoked by it.
    for (const former of mine) former.endAsked = true;
    const answered = await ask(doing, heard, async () => {
      const body = { ttl: ttlSeconds, label };
      const call = { name: secret, body, ...(key !== undefined && { idempotencyKey: key }) };
      return { answer: 'minted', lease: (await client.call('mintLease', call)).body.lease };
    });
    const lease = answered?.lease;
    unsure ||= answered === undefined;
    if (lease === undefined) return undefined;
    if (lease.tokenId === undefined) {
      heard(doing, 'minted without a token');
      return undefined;
    }
    const { id, tokenId } = lease;
    const mintedLease = { id, tokenId, secret, expiresAtMs: Date.parse(lease.expiresAt), endAsked: unsure };
    mine.push(mintedLease);
    held(mintedLease);
    return mintedLease;
  }

  let lease: HeldLease | undefined;
  if (order.twice === 'at once') {
    const both = await Promise.all([mint('repeat'), mint('repeat')]);
    // The later of the two has ended what the other got, whatever it was answered itself.
    for (const each of both) if (each !== undefined) each.endAsked = true;
    lease = both[0] ?? both[1];
  } else {
    lease = await mint('mint');
    if (order.twice === 'after') {
      await wait(order.pauseMs);
      lease = (await mint('repeat')) ?? lease;
    }
  }
  if (lease === undefined) return;
  for (const step of order.between) {
    await wait(order.pauseMs);
    await take(client, step, order, lease, heard);
  }
  if (!order.givenBack) return;
  await wait(order.pauseMs);
  lease.endAsked = true;
  const { id } = lease;
  await ask('revoke', heard, async () => ({
    answer: (await client.call('revokeLease', { name: id })).status === 200 ? 'revoked' : 'pending',
  }));
}

async function take(client: Client, step: Order['between'][number], order: Order, lease: HeldLease, heard: Heard) {
  const { id } = lease;
  switch (step) {
    case 'show':
    case 'show live':
      await ask('show', heard, async () => {
        const query = step === 'show' ? {} : { live: 'true' };
        const { lease: shown } = (await client.call('getLease', { name: id, query })).body;
        return { answer: shown.id === id ? 'shown' : 'another lease was shown' };
      });
      return;
    case 'list':
    case 'list live':
      await ask('list', heard, async () => {
        const query = {
          secret: order.secret,
          status: 'active',
          limit: '10',
          ...(step === 'list live' && { live: 'true' }),
        };
        await client.call('listLeases', { query });
        return { answer: 'listed' };
      });
      return;
    case 'renew':
      if (!SOAK_SECRETS[order.secret].renewable || lease.endAsked) return;
      await ask('renew', heard, async () => {
        const { lease: renewed } = await renew(client, id, order.ttlSeconds, lease.expiresAtMs);
        if (renewed === undefined) return { answer: 'too late' };
        lease.expiresAtMs = Date.parse(renewed.expiresAt);
        return { answer: 'renewed' };
      });
  }
}

async function renew(
  client: Client,
  id: string,
  ttlSeconds: number,
  expiresAtMs: number,
): Promise<{ lease?: LeaseView }> {
  try {
    return (await client.call('renewLease', { name: id, body: { ttl: ttlSeconds } })).body;
  } catch (error) {
    const over = error instanceof ProblemError && error.problem.code === 'lease_not_active';
    if (over && Date.now() >= expiresAtMs) return {};
    throw error;
  }
}

/** Hears how it ended. A 503, or a key in flight, must come with the time to wait. */
async function ask<T extends { readonly answer: string }>(
  doing: Doing,
  heard: Heard,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const done = await work();
    heard(doing, done.answer);
    return done;
  } catch (error) {
    heard(doing, problemWord(error));
    return undefined;
  }
}

function problemWord(error: unknown): string {
  if (error instanceof ProblemError) {
    const { code, status } = error.problem;
    const mustWait = status === 503 || code === 'in_flight';
    return mustWait && !((error.retryAfterSeconds ?? 0) >= 1) ? `${code} without Retry-After` : code;
  }
  return error instanceof NoAnswerError ? error.message : 'the client failed';
}
