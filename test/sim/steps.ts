import { type FaultKind, TRIGGER_FAULTS } from './faults.ts';
import { SITES } from './sites.ts';

/** Who calls: what an actor's first word comes to. Every way to revoke is one path of core, and so are the admin routes. */
const CALLERS: Readonly<Record<string, string>> = {
  mint: 'mint',
  renew: 'renew',
  ask: 'revoke',
  match: 'revoke',
  look: 'look',
  revoke: 'revoke',
  sweep: 'sweep',
  put: 'admin',
  change: 'admin',
  delete: 'admin',
  dismiss: 'admin',
  verify: 'admin',
  attest: 'admin',
};

/** What each caller calls: taken from core, and held against it by the simulator, which fails on a step that is not here. */
const CALLED: Readonly<Record<string, readonly (keyof typeof SITES)[]>> = {
  mint: [
    ...['getSecret', 'getTarget', 'readReplay', 'create', 'update', 'get', 'listOpen', 'arm', 'armTimer', 'send'],
    ...['createToken', 'getToken', 'deleteToken', 'listTokens', 'login'],
    ...['readCredential', 'readSession', 'writeSession', 'seal', 'open', 'audit'],
  ] as (keyof typeof SITES)[],
  renew: ['getSecret', 'get', 'update', 'arm', 'armTimer', 'audit'],
  revoke: [
    ...['getTarget', 'get', 'update', 'listOpen', 'findByToken', 'send', 'deleteToken', 'listTokens', 'login'],
    ...['getToken', 'readDate', 'readCredential', 'readSession', 'writeSession', 'seal', 'open', 'audit'],
  ] as (keyof typeof SITES)[],
  sweep: [
    ...['due', 'listSecrets', 'listTargets', 'getTarget', 'get', 'create', 'update', 'send', 'listOpen', 'countOpen'],
    ...['readCounter', 'correctCounter', 'deleteSecret', 'deleteTarget', 'removeCredential', 'removeSession'],
    ...['createToken', 'listTokens', 'getToken', 'deleteToken', 'login', 'armTimer', 'putTarget'],
    ...['readCredential', 'readSession', 'writeSession', 'seal', 'open', 'audit'],
  ] as (keyof typeof SITES)[],
  admin: [
    ...['getTarget', 'putTarget', 'getSecret', 'putSecret', 'listSecrets', 'deleteSecret', 'deleteTarget', 'countOpen'],
    ...['stage', 'promote', 'removeCredential', 'removeSession', 'create', 'get', 'update', 'send', 'armTimer'],
    ...[
      'createToken',
      'getToken',
      'deleteToken',
      'listTokens',
      'login',
      'readCredential',
      'readSession',
      'writeSession',
    ],
    ...['seal', 'open', 'audit'],
  ] as (keyof typeof SITES)[],
};

/**
 * Steps that core can take and no count is asked for, each with the reason.
 */
export const TOO_RARE: ReadonlyMap<string, string> = new Map([
  ['mint hub.readDate', 'a mint that gives its token up asks for the date only when that token ended 5 min before'],
  ['sweep hub.readDate', 'a sweep revokes what it has just seen alive, so that it hardly ever ended 5 min before'],
  [
    'admin leases.listOpen',
    'a verification looks for who holds an account only when that has exactly 10 or 100 tokens',
  ],
  ['admin hub.readDate', 'a verification revokes its token within a minute, 4 min before its end'],
]);

/** A look changes nothing but the view that it keeps, so no count is asked for of what goes wrong at its steps. */
const LOOKED: readonly (keyof typeof SITES)[] = [
  ...(['getTarget', 'get', 'list', 'update', 'getToken', 'login'] as const),
  ...(['readCredential', 'readSession', 'writeSession', 'seal', 'open', 'audit'] as const),
];

const TRIGGERS = ['job', 'ttl', 'message'];

/** A step and what can go wrong at it. */
export interface Cell {
  readonly step: string;
  readonly kind: FaultKind;
}

/** Everything that can go wrong: the simulator must have seen each of these often. */
export const CELLS: readonly Cell[] = [
  ...Object.entries(CALLED).flatMap(([caller, sites]) =>
    sites.flatMap((site) => SITES[site].faults.map((kind): Cell => ({ step: `${caller} ${SITES[site].name}`, kind }))),
  ),
  ...TRIGGERS.flatMap((step) => TRIGGER_FAULTS.map((kind): Cell => ({ step, kind }))),
];

const STEPS: ReadonlySet<string> = new Set([
  ...CELLS.map(({ step }) => step),
  ...LOOKED.map((site) => `look ${SITES[site].name}`),
  ...TOO_RARE.keys(),
]);

const named = new Map<string, Map<string, string>>();

/** Names the step of a call of a port. Asked at every call, so each name is made once. */
export function stepOf(role: string, site: string): string {
  const sites = named.get(role) ?? new Map<string, string>();
  if (sites.size === 0) named.set(role, sites);
  let step = sites.get(site);
  if (step === undefined) {
    step = `${CALLERS[role] ?? role} ${site}`;
    sites.set(site, step);
  }
  return step;
}

/** Names the step of a fault, by its key: `mint m3 leases.update#0`, or a trigger's `job a m3.0`. */
export function stepOfKey(key: string): string {
  const words = key.split(' ');
  const [role = '', last = ''] = [words[0], words.at(-1)];
  return last.includes('#') ? stepOf(role, last.slice(0, last.indexOf('#'))) : role;
}

export function isKnownStep(step: string): boolean {
  return STEPS.has(step);
}
