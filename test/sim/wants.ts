import type { Aim } from './faults.ts';

/** What must happen for a step to be taken at all, where that is seldom. */
export type Want =
  | 'renewal'
  | 'logout'
  | 'matching'
  | 'leak'
  | 'put'
  /** A target deleted while it has leases, which the sweep then removes. */
  | 'deletion'
  /** A target deleted while it has none. */
  | 'removal'
  | 'restore'
  | 'quota'
  | 'key'
  | 'expiry'
  /** A target that an admin verifies at the start, or the first sweep because its mints are refused. */
  | 'verification'
  | 'reverify'
  /** Deletes that are accepted and done later. */
  | 'slow_delete';

/** How to come to a step: what should happen, and what should go wrong before. */
export interface Way {
  readonly wants: readonly Want[];
  readonly after?: readonly Aim[];
}

const NO_ANSWER: readonly Aim[] = [{ step: 'mint hub.createToken', kind: 'lose', nth: 0 }];
const NO_JOB: readonly Aim[] = [{ step: 'mint backstop.arm', kind: 'fail', nth: 0 }];
const TWO_TOKENS: readonly Aim[] = [{ step: 'mint hub.createToken', kind: 'duplicate', nth: 0 }];

/** The steps that a history hardly ever comes to by chance. */
const WAYS: ReadonlyMap<string, Way> = new Map<string, Way>([
  ['mint leases.readReplay', { wants: ['key'] }],
  ['mint leases.listOpen', { wants: ['quota'] }],
  ['mint queue.send', { wants: [], after: NO_ANSWER }],
  ['mint hub.deleteToken', { wants: [], after: NO_JOB }],
  ['mint hub.getToken', { wants: ['slow_delete'], after: NO_JOB }],
  ['mint hub.listTokens', { wants: ['key'], after: NO_ANSWER }],
  ['renew backstop.arm', { wants: ['renewal'] }],
  ['renew timer.arm', { wants: ['renewal'] }],
  ['renew leases.update', { wants: ['renewal'] }],
  ['renew audit.record', { wants: ['renewal'] }],
  ['revoke leases.findByToken', { wants: ['leak'] }],
  ['revoke leases.listOpen', { wants: ['matching'] }],
  ['revoke hub.login', { wants: ['logout'] }],
  ['revoke sealer.seal', { wants: ['logout'] }],
  ['revoke hub.readDate', { wants: ['expiry'] }],
  ['sweep leases.create', { wants: ['restore'] }],
  ['sweep leases.correctCounter', { wants: ['quota', 'restore'] }],
  ['sweep leases.update', { wants: ['restore'] }],
  ['sweep catalog.getTarget', { wants: ['restore'] }],
  ['sweep hub.getToken', { wants: [], after: TWO_TOKENS }],
  ['sweep hub.deleteToken', { wants: ['restore'] }],
  ['sweep audit.record', { wants: ['restore'] }],
  ['sweep hub.createToken', { wants: ['reverify'] }],
  ['sweep timer.arm', { wants: ['reverify'] }],
  ['sweep catalog.putTarget', { wants: ['reverify'] }],
  ['sweep leases.countOpen', { wants: ['deletion'] }],
  ['sweep catalog.deleteSecret', { wants: ['deletion'] }],
  ['sweep catalog.deleteTarget', { wants: ['deletion'] }],
  ['sweep credentials.remove', { wants: ['deletion'] }],
  ['sweep sessions.remove', { wants: ['deletion'] }],
  ['admin credentials.read', { wants: ['verification'] }],
  ['admin catalog.getSecret', { wants: ['deletion'] }],
  ['admin catalog.putSecret', { wants: ['deletion'] }],
  ['admin catalog.listSecrets', { wants: ['deletion'] }],
  ['admin catalog.deleteSecret', { wants: ['removal'] }],
  ['admin catalog.deleteTarget', { wants: ['removal'] }],
  ['admin credentials.remove', { wants: ['removal'] }],
  ['admin sessions.remove', { wants: ['removal'] }],
]);

/** Whether histories seldom come to a step unless they are made to. */
export function isRare(step: string): boolean {
  return WAYS.has(step);
}

/** How to come to a step. */
export function wayTo(step: string): Way {
  const way = WAYS.get(step);
  if (way !== undefined) return way;
  if (step.startsWith('renew ')) return { wants: ['renewal'] };
  return { wants: step.startsWith('admin ') ? ['put'] : [] };
}
