import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AuditEventName } from '../../functions/core/model/audit-event.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import { everyPage } from '../../functions/core/ports/pages.ts';
import type { Log } from '../../functions/log.ts';
import { type RequestKind, type Requests, RushWorld, type Triggers } from './rush-world.ts';
import type { VirtualTime } from './virtual-time.ts';

const MINUTE_MS = 60_000;
/** Orders that are answered at once while the leases of the rush are made. */
const ORDERS_AT_ONCE = 16;
/** How often a caller comes while revocations wait. */
const ORDER_EVERY_MS = 20_000;
/** The parts start this long before the leases are due, so that a first sweep is behind them. */
const LEAD_MS = 2 * MINUTE_MS;

export interface RushPlan {
  readonly leases: number;
  readonly requestsPerMinute: number;
  readonly triggers: (time: VirtualTime, log: Log) => Triggers;
}

/** An order during the rush. */
export interface Order {
  readonly afterMs: number;
  readonly status: number;
  readonly retryAfterSeconds: number;
  /** Tokens of the rush that still lived. */
  readonly backlog: number;
}

/** How a rush went. All times are virtual and count from the instant at which the leases were due. */
export interface RushReport {
  /** Until the last token of the rush was deleted, and until all of its leases were revoked. */
  readonly lastDeletedMs: number;
  readonly settledMs: number;
  /** What it takes at best: every request of every minute a deletion. */
  readonly idealMs: number;
  readonly requests: Readonly<Partial<Record<RequestKind, Requests>>>;
  readonly orders: readonly Order[];
  readonly leases: readonly Lease[];
  /** Tokens of the rush that still live at the end. */
  readonly alive: number;
  readonly logins: { readonly succeeded: number; readonly failed: number };
  readonly events: Readonly<Partial<Record<AuditEventName, number>>>;
  readonly errors: Readonly<Record<string, number>>;
  /** Heap in use after garbage collection: before the leases were due, half way and in the end. */
  readonly heapBytes: readonly [number, number, number];
  readonly mostHubCalls: number;
  readonly mostTimers: number;
}

/**
 * Makes leases that are all due in one second, lets Docker Hub take so many requests a minute from then on, lets callers order
 * more all the while, restarts everything half way, and goes on until the last is revoked and mints work again.
 */
export async function runRush(plan: RushPlan): Promise<RushReport> {
  const world = new RushWorld(plan.triggers);
  try {
    await world.open();
    return await rush(world, plan);
  } finally {
    await world.close();
  }
}

async function rush(world: RushWorld, plan: RushPlan): Promise<RushReport> {
  const { time } = world;
  const { control } = world.hub;
  await time.passUntilDone(orderAll(world, plan.leases));
  const leases = await openLeases(world);
  const ends = leases.map(({ expiresAtMs }) => expiresAtMs);
  const dueAtMs = Math.max(...ends);
  if (dueAtMs - Math.min(...ends) >= 1_000) throw new Error('the leases are not due in one second');
  time.leapTo(dueAtMs - LEAD_MS);
  await world.restart();
  await time.passUntilDone(time.sleep(LEAD_MS / 2));
  world.limit(plan.requestsPerMinute);
  for (const counts of [world.requests, world.events, world.errors]) counts.clear();
  const before = { logins: loginsOf(world), deletes: control.calls().deletes };
  const startHeap = heapBytes();
  time.takeMostTimers();
  world.mostCalls = 0;

  const orders: Order[] = [];
  const deleted = () => control.calls().deletes - before.deletes;
  const backlog = () => plan.leases - Math.min(plan.leases, deleted());
  const endOrders = keepOrdering(world, (status, retryAfterSeconds) => {
    orders.push({ afterMs: time.nowMs() - dueAtMs, status, retryAfterSeconds, backlog: backlog() });
  });
  const latestMs = dueAtMs + 20 * idealMs(plan) + 60 * MINUTE_MS;
  await time.passUntil(() => deleted() >= plan.leases / 2, latestMs);
  const halfHeap = heapBytes();
  await world.restart();
  const revoked = () => world.events.get('lease.revoked') ?? 0;
  await time.passUntil(() => revoked() >= plan.leases && orders.at(-1)?.status === 201, latestMs);
  const settledMs = time.nowMs() - dueAtMs;
  endOrders();
  const endHeap = heapBytes();
  const mostTimers = time.takeMostTimers();

  const ended = await Promise.all(leases.map(({ id }) => world.running.ports.leases.get(id)));
  const ids = new Set(leases.map(({ tokenId }) => tokenId));
  const ofRush = control.deletions().filter(({ id }) => ids.has(id));
  const logins = loginsOf(world);
  return {
    lastDeletedMs: Math.max(...ofRush.map(({ atMs }) => atMs)) - dueAtMs,
    settledMs,
    idealMs: idealMs(plan),
    requests: Object.fromEntries(world.requests),
    orders,
    leases: ended.filter((lease) => lease !== undefined),
    alive: control.tokens().filter(({ id, live }) => live && ids.has(id)).length,
    logins: {
      succeeded: logins.succeeded - before.logins.succeeded,
      failed: logins.failed - before.logins.failed,
    },
    events: Object.fromEntries(world.events),
    errors: Object.fromEntries(world.errors),
    heapBytes: [startHeap, halfHeap, endHeap],
    mostHubCalls: world.mostCalls,
    mostTimers,
  };
}

async function orderAll(world: RushWorld, count: number): Promise<void> {
  let left = count;
  const orderOnAndOn = async () => {
    while (left-- > 0) {
      const { statusCode, body } = await world.order('1h');
      if (statusCode !== 201) throw new Error(`a lease of the rush was refused: ${statusCode} ${body}`);
    }
  };
  await Promise.all(Array.from({ length: ORDERS_AT_ONCE }, orderOnAndOn));
}

function keepOrdering(world: RushWorld, answered: (status: number, retryAfterSeconds: number) => void): () => void {
  let callOff = () => {};
  const order = () => {
    callOff = world.time.after(ORDER_EVERY_MS, order);
    // Long enough to be no part of any rush.
    void world.order('1d').then(({ statusCode, headers }) => {
      answered(statusCode, Number(headers?.['retry-after'] ?? 0));
    });
  };
  order();
  return () => callOff();
}

async function openLeases(world: RushWorld): Promise<Lease[]> {
  const leases: Lease[] = [];
  for await (const lease of everyPage((page) => world.running.ports.leases.listOpen(page))) leases.push(lease);
  return leases;
}

function loginsOf(world: RushWorld) {
  return world.hub.control.calls().logins['acme-bot'] ?? { succeeded: 0, failed: 0 };
}

function idealMs({ leases, requestsPerMinute }: RushPlan): number {
  return (leases / requestsPerMinute) * MINUTE_MS;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

/** The report in a few lines, for people. */
export function tell(report: RushReport): string {
  const minutes = (ms: number) => (ms / MINUTE_MS).toFixed(1);
  const { requests, orders, heapBytes: heap } = report;
  const served = orders.filter(({ status }) => status === 201);
  return [
    `last token deleted after ${minutes(report.lastDeletedMs)} min, all settled after ${minutes(report.settledMs)} min, at best ${minutes(report.idealMs)} min`,
    `requests: ${Object.entries(requests)
      .map(([kind, { sent, refused }]) => `${kind} ${sent} (${refused} refused)`)
      .join(', ')}`,
    `logins: ${report.logins.succeeded} and ${report.logins.failed} failed`,
    `orders: ${orders.length}, served ${served.length}, with at most ${Math.max(0, ...served.map(({ backlog }) => backlog))} tokens of the rush alive`,
    `audit: ${JSON.stringify(report.events)}; errors logged: ${JSON.stringify(report.errors)}`,
    `heap, MiB: ${heap.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(', ')}; at most ${report.mostHubCalls} requests at once, ${report.mostTimers} timers`,
  ].join('\n');
}
