import { SHARD_MAX_OPEN } from '../../functions/adapters/dynamodb/open-leases.ts';
import { SHARDS } from '../../functions/adapters/dynamodb/tables.ts';
import { TURN_MS } from '../../functions/core/sweeping/sweep-turns.ts';
import { MAX_DUE, RESERVE_MS } from '../../functions/sweeper.ts';
import { throttlingOf } from '../../infra/throttling.ts';

const { stage, mints, caller } = throttlingOf({});

/**
 * What one lease costs and what hublease itself bounds. Units and seconds are those of docs/cost.md; the figures of the construct are
 * compared with the synthesized stack in the tests.
 */
export const DESIGN = {
  stageRequestsPerSecond: stage.ratePerSecond,
  mintsPerSecond: mints.ratePerSecond,
  callerRequestsPerMinute: caller.perMinute,
  /** Broker, revoker by the queue, revoker by the timer. Assumed, not measured. */
  lambdaSeconds: 1.0 + 0.7 + 0.05,
  revokeSeconds: 0.7,
  queueConcurrency: 10,
  queueBatch: 10,
  shards: SHARDS,
  /** `due`: put, moved (a delete and a put), deleted. */
  dueWrites: 4,
  /** Put once, and left: `by-day`, `by-secret`, `by-caller`. */
  listWrites: 1,
  /** Row created, active, revoked, and the timer's. */
  tableWrites: 4,
  /** Of a secret: read by the mint. */
  secretReads: 1,
  /** Of a target: read twice by the mint and once by the revocation. */
  targetReads: 3,
  /** Of a session: read twice by the mint and once by the revocation. */
  sessionReads: 3,
  /** Of a quota's counter: moved twice, each in a transaction, whose writes count twice. */
  counterWrites: 4,
  /** Of a replay record: put in a transaction. */
  replayWrites: 2,
  sweepSeconds: 300 - RESERVE_MS / 1_000,
  sweepMostDue: MAX_DUE,
  sweepTurnSeconds: TURN_MS / 1_000,
  /** A page of the listing and what it takes to read the leases of its tokens. Assumed, not measured. */
  sweepSecondsPerToken: 0.3 / 80 + 0.005,
  /** Tokens that each further request of a listing shows: pages overlap. */
  tokensPerListing: 80,
  /** Open leases that can be counted. */
  openLeases: SHARD_MAX_OPEN * SHARDS,
} as const;
