import type { APIGatewayProxyResult } from 'aws-lambda';
import type { Log } from '../../functions/log.ts';
import { OTHER_SESSION, type RequestKind, type Requests, RushWorld, type Triggers } from './rush-world.ts';
import type { VirtualTime } from './virtual-time.ts';

const MINUTE_MS = 60_000;
/** Clients of one role that ask again as soon as they are answered, and this much later at the earliest. */
const CLIENTS = 4;
const ASK_EVERY_MS = 250;
/** Leases that each of those clients holds. */
const HELD = 3;

export interface HammerPlan {
  readonly requestsPerMinute: number;
  /** Leases of another role, which end one after the other. */
  readonly leases: number;
  readonly endEveryMs: number;
  readonly triggers: (time: VirtualTime, log: Log) => Triggers;
}

/** How it went. */
export interface HammerReport {
  /** How long after its lease's end each token of the other role was deleted; infinite where it never was. */
  readonly overdueMs: readonly number[];
  /** Answers to the clients that hammer, by status. */
  readonly answers: Readonly<Record<number, number>>;
  /** Views of tokens that they were shown, and how many different ones. */
  readonly views: number;
  readonly differentViews: number;
  readonly requests: Readonly<Partial<Record<RequestKind, Requests>>>;
  readonly minutes: number;
}

/**
 * Lets clients of one role ask for live views, lists with live views and deletions without a pause, while leases of another role end
 * one after the other, with a Docker Hub that takes so many requests a minute.
 */
export async function runHammer(plan: HammerPlan): Promise<HammerReport> {
  const world = new RushWorld(plan.triggers);
  try {
    await world.open();
    return await hammer(world, plan);
  } finally {
    await world.close();
  }
}

async function hammer(world: RushWorld, plan: HammerPlan): Promise<HammerReport> {
  const { time } = world;
  await world.restart();
  const held = await orderAll(world, CLIENTS * HELD, () => '1d', OTHER_SESSION);
  const ends = await orderAll(world, plan.leases, (n) => `${60 + Math.round((n * plan.endEveryMs) / 1_000)}s`);
  world.limit(plan.requestsPerMinute);
  world.requests.clear();
  const startedAtMs = time.nowMs();
  const seen = { answers: {} as Record<number, number>, views: 0, different: new Set<string>() };
  let isOver = false;
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    const own = held.slice(client * HELD, (client + 1) * HELD).map(({ id }) => id);
    for (let turn = 0; !isOver; turn++) {
      note(seen, await askOnce(world, own, turn));
      await time.sleep(ASK_EVERY_MS);
    }
  });
  const lastEndMs = Math.max(...ends.map(({ expiresAtMs }) => expiresAtMs));
  await time.passUntilDone(time.sleep(lastEndMs + 5 * MINUTE_MS - time.nowMs()));
  isOver = true;
  await time.passUntilDone(Promise.all(clients));
  const deletedAtMs = new Map(world.hub.control.deletions().map(({ id, atMs }) => [id, atMs]));
  return {
    overdueMs: ends.map(
      ({ tokenId, expiresAtMs }) => (deletedAtMs.get(tokenId) ?? Number.POSITIVE_INFINITY) - expiresAtMs,
    ),
    answers: seen.answers,
    views: seen.views,
    differentViews: seen.different.size,
    requests: Object.fromEntries(world.requests),
    minutes: (time.nowMs() - startedAtMs) / MINUTE_MS,
  };
}

interface Leased {
  readonly id: string;
  readonly tokenId: string;
  readonly expiresAtMs: number;
}

async function orderAll(
  world: RushWorld,
  count: number,
  ttlOf: (n: number) => string,
  userArn?: string,
): Promise<Leased[]> {
  const leased: Leased[] = [];
  for (let n = 0; n < count; n++) {
    const { statusCode, body } = await world.time.passUntilDone(world.order(ttlOf(n), userArn));
    if (statusCode !== 201) throw new Error(`a lease was refused: ${statusCode} ${body}`);
    const { id, tokenId, expiresAt } = JSON.parse(body).lease;
    leased.push({ id, tokenId, expiresAtMs: Date.parse(expiresAt) });
  }
  return leased;
}

/** A view of one lease, a list of views, or the deletion of a lease that was deleted long ago, in turn. */
function askOnce(world: RushWorld, own: readonly string[], turn: number): Promise<APIGatewayProxyResult> {
  const query = { live: ['true'] };
  if (turn % 4 === 3) return world.call('GET', '/v1/leases', { query, userArn: OTHER_SESSION });
  if (turn % 4 === 2) return world.call('DELETE', `/v1/leases/${own[0]}`, { userArn: OTHER_SESSION });
  return world.call('GET', `/v1/leases/${own[1 + (turn % 2)]}`, { query, userArn: OTHER_SESSION });
}

function note(
  seen: { answers: Record<number, number>; views: number; different: Set<string> },
  { statusCode, body }: APIGatewayProxyResult,
): void {
  seen.answers[statusCode] = (seen.answers[statusCode] ?? 0) + 1;
  const { lease, items = [lease] } = JSON.parse(body);
  for (const shown of items) {
    if (shown?.live === undefined) continue;
    seen.views += 1;
    seen.different.add(`${shown.id} ${shown.live.asOf}`);
  }
}
