import type { FaultKind, FaultPlace, Intensities } from './faults.ts';
import { Dice } from './prng.ts';

/** What a call to Docker Hub may take; the adapter's own limit. */
export const HUB_TIMEOUT_MS = 10_000;
export const QUIET_MS = 60_000;
export const MINT_WINDOW_MS = 20_000;
/**
 * The longest that a create takes from its call to its landing, and that a list lags. Together they stay within
 * `HUB_TIMEOUT_MS + QUIET_MS`: this is what the quiet period assumes of Docker Hub.
 */
export const SLOWEST_CREATE_MS = 42_000;
export const LONGEST_LIST_LAG_MS = 25_000;
/** After the last fault, everything is settled within this: a lockout, the breaker, the longest pause, sweeps in between. */
export const SETTLE_MS = 5_400_000;
export const SWEEP_EVERY_MS = 300_000;

export type InstallationName = 'a' | 'b';
/** Where an outage strikes. */
export type OutagePort = 'hub' | 'leases' | 'catalog' | 'sessions' | 'credentials' | 'sealer' | 'queue' | 'backstop';

/** One thing that happens from outside, at `atMs` after the start. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly does: 'mint';
      readonly mint: string;
      readonly installation: InstallationName;
      readonly secret: string;
      readonly ttlSeconds: number;
      readonly label?: string;
      /** The caller's Idempotency-Key; mints that share one repeat each other. */
      readonly key?: string;
    }
  | { readonly does: 'renew'; readonly mint: string; readonly ttlSeconds: number }
  /** The caller, or an admin, wants the lease gone. */
  | { readonly does: 'revoke'; readonly mint: string }
  /** Everything that runs in an installation dies at once. */
  | { readonly does: 'kill'; readonly installation: InstallationName }
  /** The stack is deleted, and nothing of the installation ever runs again. */
  | { readonly does: 'demolish'; readonly installation: InstallationName }
  | { readonly does: 'outage'; readonly port: OutagePort; readonly dark: boolean; readonly forMs: number }
  | { readonly does: 'human_create'; readonly username: string; readonly look: Look }
  | { readonly does: 'human_delete'; readonly username: string; readonly which: number; readonly ours: boolean }
  | { readonly does: 'human_rename'; readonly username: string; readonly which: number; readonly keepsMark: boolean }
  /** The password is changed on Docker Hub, and then in each installation by an admin who tries until it works. */
  | { readonly does: 'password'; readonly username: string; readonly endsSessions: boolean; readonly afterMs: number }
  /** Somebody stores the credential of another account, past hublease, and puts the right one back. */
  | {
      readonly does: 'rotation';
      readonly installation: InstallationName;
      readonly target: string;
      readonly forMs: number;
    }
  | { readonly does: 'end_sessions'; readonly username: string }
  | { readonly does: 'restore'; readonly installation: InstallationName; readonly backMs: number }
  /** An admin gives a target the credential of another account, which is for core to refuse while leases are open. */
  | {
      readonly does: 'change_account';
      readonly installation: InstallationName;
      readonly target: string;
      readonly username: string;
    }
  | { readonly does: 'delete_target'; readonly installation: InstallationName; readonly target: string }
);

/** How a stranger's token is labelled: at random, or much as ours are. */
export type Look = 'plain' | 'other_account' | 'forged_mac' | 'other_installation' | 'unknown_key' | 'longer';

export interface PlannedTarget {
  readonly name: string;
  readonly username: string;
  readonly organization?: string;
  readonly secret: string;
  readonly renewable?: boolean;
  /** Most open leases of the secret. */
  readonly maxActive?: number;
}

/** All that a history depends on, besides its fault decisions. */
export interface Plan {
  readonly seed: number;
  readonly startMs: number;
  readonly installations: readonly InstallationName[];
  /** Every installation has all of them. */
  readonly targets: readonly PlannedTarget[];
  /** Users with two-factor authentication. */
  readonly secondFactor: readonly string[];
  readonly pageSize: number;
  readonly listLagMs: number;
  readonly settleMs: number;
  readonly hubSkewMs: number;
  /** Whether Docker Hub ends tokens by itself. Without, only hublease's own means count. */
  readonly hubExpires: boolean;
  /** Whether expired tokens stay in the list. */
  readonly listsExpired: boolean;
  /** How late the scheduler is at most; 60 s is what EventBridge promises, a few ms what an embedded one does. */
  readonly schedulerWindowMs: number;
  readonly intensities: Intensities;
  readonly faultPlace: FaultPlace;
  readonly faultsEndMs: number;
  readonly happenings: readonly Happening[];
}

const TARGETS: readonly PlannedTarget[] = [
  { name: 'bot', username: 'acme-bot', secret: 'ci/push' },
  { name: 'acme', username: 'acme-owner', organization: 'acme', secret: 'ci/pull' },
];

/** How strong each kind may be. `duplicate` is rare: nobody repeats a create. */
const STRENGTHS: readonly (readonly [FaultKind, readonly number[]])[] = [
  ['fail', [0.01, 0.04, 0.15]],
  ['lose', [0.01, 0.04, 0.15]],
  ['late', [0.01, 0.04, 0.1, 0.4]],
  ['twice', [0.01, 0.05, 0.2]],
  ['stall', [0.01, 0.05]],
  ['freeze', [0.005, 0.03]],
  ['crash_before', [0.005, 0.03]],
  ['crash_after', [0.005, 0.03]],
  ['throttle', [0.02, 0.1]],
  ['refuse', [0.01, 0.05]],
  ['drop', [0.1, 0.5, 1]],
  ['delay', [0.1, 0.5]],
];

/**
 * How hard a history is drawn. `harsh` adds careless admins (who change accounts under open leases, change passwords while a
 * target drains, and share one second factor between installations) and coincidences that chance alone hardly ever makes.
 */
export type Harshness = 'usual' | 'harsh';

/** Lays out a history from its seed. */
export function drawPlan(seed: number, harshness: Harshness = 'usual'): Plan {
  const dice = new Dice(seed);
  const faulty = !dice.chance(0.1);
  const chosen = dice.chance(0.3)
    ? TARGETS
    : ([dice.chance(0.7) ? TARGETS[0] : TARGETS[1]] as readonly PlannedTarget[]);
  const targets = chosen.map((target) => ({
    ...target,
    ...(dice.chance(0.3) && { renewable: true }),
    ...(dice.chance(0.2) && { maxActive: dice.whole(1, 2) }),
  }));
  const installations: readonly InstallationName[] = dice.chance(0.25) ? ['a', 'b'] : ['a'];
  const faultsEndMs = dice.whole(600_000, 2_400_000);
  const hubExpires = dice.chance(0.5);
  const startMs = 1_798_761_600_000 + dice.whole(0, 86_400_000);
  const harsh = harshness === 'harsh';
  const secondFactor = dice.chance(0.3) && (harsh || installations.length === 1) ? ['acme-bot'] : [];
  const frame = { harsh, startMs, secondFactor, faulty, targets, installations, faultsEndMs, hubExpires };
  const happenings = drawHappenings(dice, frame);
  return {
    seed,
    startMs,
    installations,
    targets,
    secondFactor,
    pageSize: dice.pick([2, 3, 5, 100]),
    listLagMs: dice.chance(0.5) ? 0 : dice.whole(100, LONGEST_LIST_LAG_MS),
    settleMs: dice.chance(0.4) ? 0 : 5_000,
    hubSkewMs: dice.chance(0.7) ? 0 : dice.whole(-8_000, 8_000),
    hubExpires,
    listsExpired: dice.chance(0.5),
    schedulerWindowMs: dice.chance(0.5) ? 60_000 : 20,
    intensities: faulty ? drawIntensities(dice) : {},
    faultPlace: dice.pick(['everywhere', 'everywhere', 'hub', 'stores']),
    faultsEndMs,
    happenings,
  };
}

function drawIntensities(dice: Dice): Intensities {
  const drawn: Partial<Record<FaultKind, number>> = {};
  for (const [kind, strengths] of STRENGTHS) if (dice.chance(0.3)) drawn[kind] = dice.pick(strengths);
  if (dice.chance(0.04)) drawn.duplicate = 0.5;
  return drawn;
}

interface Frame {
  readonly harsh: boolean;
  readonly startMs: number;
  readonly secondFactor: readonly string[];
  readonly faulty: boolean;
  readonly targets: readonly PlannedTarget[];
  readonly installations: readonly InstallationName[];
  readonly faultsEndMs: number;
  readonly hubExpires: boolean;
}

function drawHappenings(dice: Dice, frame: Frame): Happening[] {
  const { faulty, targets, installations, faultsEndMs } = frame;
  const happenings: Happening[] = [];
  const usernames = targets.map((target) => target.username);
  const anywhere = () => dice.whole(0, faultsEndMs);
  const mints = dice.whole(1, 5);
  // A crowd at one moment meets itself; spread out, each lease meets the rest of the world.
  const crowdMs = dice.chance(0.4) ? anywhere() : undefined;
  for (let n = 1; n <= mints; n++) {
    const mint = `m${n}`;
    const atMs = crowdMs === undefined ? anywhere() : crowdMs + dice.whole(0, 2_000);
    const ttlSeconds = dice.pick([60, 61, 120, 300, 900]);
    const installation = dice.pick(installations);
    const { secret, renewable } = dice.pick(targets);
    const label = dice.chance(0.3) ? { label: 'release build' } : {};
    const key = dice.chance(0.15) ? { key: `key of ${mint}` } : {};
    if (key.key !== undefined) {
      const order = { mint: `${mint}r`, installation, secret, ttlSeconds, ...label, ...key } as const;
      happenings.push({ atMs: atMs + dice.magnitude(20, 120_000), does: 'mint', ...order });
    }
    for (let renewals = renewable ? dice.whole(0, 3) : 0; renewals > 0; renewals--) {
      const renewAtMs = atMs + dice.magnitude(1_000, ttlSeconds * 1_100);
      happenings.push({ atMs: renewAtMs, does: 'renew', mint, ttlSeconds: dice.pick([60, 300, 3_000]) });
    }
    happenings.push({ atMs, does: 'mint', mint, installation, secret, ttlSeconds, ...label, ...key });
    if (dice.chance(0.3)) {
      happenings.push({ atMs: atMs + dice.magnitude(50, ttlSeconds * 1_000), does: 'revoke', mint });
    }
  }
  if (frame.harsh && frame.secondFactor.includes(usernames[0] ?? '') && dice.chance(0.3)) {
    happenings.push(...drawTwoLogins(dice, frame));
  }
  for (const username of usernames) {
    const crowd = dice.chance(0.01) ? 150 : 0;
    for (let n = crowd + dice.pick([0, 1, 3, 8]); n > 0; n--) {
      happenings.push({ atMs: 0, does: 'human_create', username, look: drawLook(dice) });
    }
    // Where others come and go, pages shift under a listing.
    for (let n = dice.pick([0, 0, 4, 25]); n > 0; n--) {
      const atMs = crowdMs !== undefined && dice.chance(0.5) ? crowdMs + dice.whole(0, 120_000) : anywhere();
      happenings.push({ atMs, does: 'human_create', username, look: drawLook(dice) });
      if (dice.chance(0.8)) {
        happenings.push({
          atMs: atMs + dice.magnitude(10, 200_000),
          does: 'human_delete',
          username,
          which: dice.whole(0, 30),
          ours: false,
        });
      }
    }
    if (dice.chance(0.1)) {
      happenings.push({ atMs: anywhere(), does: 'human_delete', username, which: dice.whole(0, 30), ours: true });
    }
    if (dice.chance(0.2)) {
      happenings.push({
        atMs: anywhere(),
        does: 'human_rename',
        username,
        which: dice.whole(0, 30),
        keepsMark: dice.chance(0.5),
      });
    }
    if (dice.chance(0.15)) {
      const afterMs = dice.magnitude(1_000, 600_000);
      happenings.push({ atMs: anywhere(), does: 'password', username, endsSessions: dice.chance(0.5), afterMs });
    }
    if (dice.chance(0.15)) happenings.push({ atMs: anywhere(), does: 'end_sessions', username });
  }
  for (const { name: target, username } of targets) {
    if (!frame.harsh || !dice.chance(0.06)) continue;
    const installation = dice.pick(installations);
    const atMs = crowdMs === undefined ? anywhere() : crowdMs + dice.whole(0, 3_000);
    happenings.push({ atMs, does: 'change_account', installation, target, username: `${username}-2` });
  }
  if (!faulty) return inOrder(happenings);
  for (const installation of installations) {
    if (dice.chance(0.25)) {
      for (let n = dice.whole(1, 3); n > 0; n--) {
        const atMs = crowdMs !== undefined ? crowdMs + dice.magnitude(10, 200_000) : anywhere();
        happenings.push({ atMs, does: 'kill', installation });
      }
    }
    for (const { name } of targets) {
      if (dice.chance(0.12)) {
        const forMs = dice.magnitude(10_000, 900_000);
        happenings.push({ atMs: anywhere(), does: 'rotation', installation, target: name, forMs });
      }
      if (frame.hubExpires && dice.chance(0.06) && (frame.harsh || !happenings.some(isPassword))) {
        happenings.push({ atMs: anywhere(), does: 'delete_target', installation, target: name });
      }
    }
    if (dice.chance(0.08)) {
      happenings.push({ atMs: anywhere(), does: 'restore', installation, backMs: dice.magnitude(1_000, 900_000) });
    }
    if (frame.hubExpires && dice.chance(0.06)) happenings.push({ atMs: anywhere(), does: 'demolish', installation });
  }
  if (dice.chance(0.35)) {
    for (let n = dice.whole(1, 3); n > 0; n--) {
      const port = dice.pick(OUTAGE_PORTS);
      happenings.push({
        atMs: anywhere(),
        does: 'outage',
        port,
        dark: dice.chance(0.3),
        forMs: dice.magnitude(500, 900_000),
      });
    }
  }
  return inOrder(happenings);
}

const OUTAGE_PORTS: readonly OutagePort[] = [
  'hub',
  'leases',
  'catalog',
  'sessions',
  'credentials',
  'sealer',
  'queue',
  'backstop',
];

/** Two logins as close to one another as sessions allow, about the instant at which a second factor's code changes. */
function drawTwoLogins(dice: Dice, frame: Frame): Happening[] {
  const installation = dice.pick(frame.installations);
  const { secret, username } = frame.targets[0] as PlannedTarget;
  const someMs = dice.whole(0, frame.faultsEndMs);
  const atMs = someMs + 30_000 - ((frame.startMs + someMs) % 30_000) - dice.whole(0, 60);
  const mint = { does: 'mint', installation, secret, ttlSeconds: 300 } as const;
  return [
    { ...mint, atMs, mint: 'm8' },
    { atMs: atMs + dice.whole(500, 8_000), does: 'end_sessions', username },
    { ...mint, atMs: atMs + dice.whole(8_000, 20_000), mint: 'm9' },
  ];
}

function drawLook(dice: Dice): Look {
  return dice.pick(['plain', 'plain', 'other_account', 'forged_mac', 'other_installation', 'unknown_key', 'longer']);
}

function isPassword(happening: Happening): boolean {
  return happening.does === 'password';
}

function inOrder(happenings: Happening[]): Happening[] {
  return happenings.sort((one, other) => one.atMs - other.atMs);
}
