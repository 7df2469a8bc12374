import type { FakeFault } from '../../fake-hub/faults.ts';
import type { RouteName } from '../../fake-hub/server.ts';

/** What a client of a soak does. A `repeat` is an order under a key that was, or at that moment is, sent before. */
export type Doing = 'mint' | 'repeat' | 'renew' | 'show' | 'list' | 'revoke';

/** How each ends when nothing is wrong. */
export const USUAL: Readonly<Record<Doing, readonly string[]>> = {
  mint: ['minted'],
  // What the first got is being made, or on its way out.
  repeat: ['minted', 'in_flight'],
  // The last where the answer came after the lease's end.
  renew: ['renewed', 'too late'],
  show: ['shown'],
  list: ['listed'],
  revoke: ['revoked'],
};

/** A fault that is on during the whole soak, and what clients may be told because of it. */
export interface SoakFault {
  readonly fault: FakeFault;
  /** Problems by their code; `pending` is the 202 of a revocation that goes on by itself. Of an absent one nobody is to notice. */
  readonly answers: Partial<Readonly<Record<Doing, string>>>;
}

/** Longer than hublease waits for Docker Hub (8 s), so that what is asked for still happens when nobody listens any more. */
const BEYOND_TIMEOUT_MS = 9_000;

/**
 * Docker Hub's 429 is for all of an account's requests: hublease then asks nothing of it for a while, and mints go after
 * revocations. So only the organization's account has any.
 */
const THROTTLED = ['oat-create', 'oat-delete'] as const;
const CREATES = ['pat-create', 'oat-create'] as const;
const DELETES = ['pat-delete', 'oat-delete'] as const;
const READS = ['pat-get', 'oat-get', 'pat-list', 'oat-list'] as const;
const LOGINS = ['auth-token', 'users-login', '2fa-login'] as const;

const WAIT = { mint: 'hub_throttled', repeat: 'hub_throttled', revoke: 'pending' } as const;
const NO_TOKEN = { mint: 'hub_unavailable', repeat: 'hub_unavailable' } as const;
const GOES_ON = { revoke: 'pending' } as const;
const UNNOTICED = {} as const;

/** Faults that are on all the time. */
export const STEADY_FAULTS: readonly SoakFault[] = [
  { fault: { route: '*', kind: 'latency', latencyMs: 10 }, answers: UNNOTICED },
  { fault: { route: '*', kind: 'latency', latencyMs: 200, probability: 0.05 }, answers: UNNOTICED },
  // In all but the first two a token is made that nobody is told of.
  ...on(CREATES, NO_TOKEN, [
    { kind: 'server-error', status: 503, probability: 0.004 },
    { kind: 'reset-before', probability: 0.002 },
    { kind: 'reset-after', probability: 0.003 },
    { kind: 'server-error', applied: true, probability: 0.002 },
    { kind: 'truncated', probability: 0.001 },
    { kind: 'wrong-type', probability: 0.001 },
    { kind: 'latency', latencyMs: BEYOND_TIMEOUT_MS, probability: 0.001 },
  ]),
  ...on(DELETES, GOES_ON, [
    { kind: 'server-error', status: 502, probability: 0.02 },
    { kind: 'reset-before', probability: 0.005 },
    { kind: 'reset-after', probability: 0.01 },
    { kind: 'edge-block', probability: 0.002 },
    { kind: 'latency', latencyMs: BEYOND_TIMEOUT_MS, probability: 0.001 },
  ]),
  // A lease is shown without Docker Hub's view then, and a listing is read again later.
  ...on(READS, UNNOTICED, [
    { kind: 'server-error', probability: 0.03 },
    { kind: 'reset-after', probability: 0.01 },
  ]),
  // A session is renewed two minutes before its end, and until then the old one serves.
  ...on(LOGINS, UNNOTICED, [
    { kind: 'server-error', probability: 0.2 },
    { kind: 'reset-after', probability: 0.1 },
  ]),
];

/** Faults that strike once each, when they are put before the steady ones from time to time. */
export const THROTTLING_FAULTS: readonly SoakFault[] = on(THROTTLED, WAIT, [
  { kind: 'throttle', retryAfterSeconds: 1, count: 1 },
]);

/** Every answer that a soak expects, by what was done; all others are unexpected. */
export function expectedAnswers(doing: Doing): ReadonlySet<string> {
  return new Set([
    ...USUAL[doing],
    ...[...STEADY_FAULTS, ...THROTTLING_FAULTS].flatMap(({ answers }) => answers[doing] ?? []),
  ]);
}

/** Which share of the requests to one route ends in another answer than the usual, by the steady faults that are planned for it. */
export function plannedShare(route: RouteName, doing: Doing): number {
  const strikes = STEADY_FAULTS.filter(({ fault, answers }) => fault.route === route && answers[doing] !== undefined);
  return strikes.reduce((sum, { fault }) => sum + (fault.probability ?? 1), 0);
}

/** A fault without its route. */
type Strike = FakeFault extends infer Fault ? (Fault extends FakeFault ? Omit<Fault, 'route'> : never) : never;

function on(routes: readonly RouteName[], answers: SoakFault['answers'], strikes: readonly Strike[]): SoakFault[] {
  return routes.flatMap((route) => strikes.map((strike) => ({ fault: { ...strike, route }, answers })));
}
