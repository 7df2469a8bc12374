import { drawCollision } from './collision.ts';
import { drawTroubles } from './draw-troubles.ts';
import type { Happening, InstallationName, Look, OutagePort, PlannedSelector, PlannedTarget } from './plan.ts';
import type { Dice } from './prng.ts';
import type { Want } from './wants.ts';

/** What is settled of a plan before its happenings are drawn. */
export interface Frame {
  readonly seed: number;
  readonly wants: ReadonlySet<Want>;
  readonly harsh: boolean;
  readonly startMs: number;
  readonly secondFactor: readonly string[];
  readonly faulty: boolean;
  readonly targets: readonly PlannedTarget[];
  readonly installations: readonly InstallationName[];
  readonly faultsEndMs: number;
  readonly hubExpires: boolean;
  /** Docker Hub ends every token by itself when it was asked to, also those that nobody looks after any more. */
  readonly hubEnds: boolean;
}

/** Draws what happens from outside, in order. */
export function drawHappenings(dice: Dice, frame: Frame): Happening[] {
  const { wants, faulty, targets, installations, faultsEndMs } = frame;
  const happenings: Happening[] = [];
  let firstEndMs = 0;
  const usernames = targets.map((target) => target.username);
  const anywhere = () => dice.whole(0, faultsEndMs);
  const mints = dice.whole(wants.has('quota') ? 3 : 1, 5);
  // A crowd at one moment meets itself; spread out, each lease meets the rest of the world.
  const crowdMs = dice.chance(0.4) || wants.has('quota') ? anywhere() : undefined;
  for (let n = 1; n <= mints; n++) {
    const mint = `m${n}`;
    const early = n === 1 && wants.size > 0 ? dice.whole(10_000, 300_000) : undefined;
    const atMs = early ?? (crowdMs === undefined ? anywhere() : crowdMs + dice.whole(0, 2_000));
    const ttlSeconds = early === undefined ? dice.pick([60, 61, 120, 300, 900]) : ttlFor(wants);
    const installation = dice.pick(installations);
    const { name: target, secret, renewable } = dice.pick(targets);
    const label = dice.chance(0.3) ? { label: 'release build' } : {};
    if (n === 1) firstEndMs = Math.max(100_000, atMs + ttlSeconds * 1_000);
    if (n === 1) happenings.push(...drawWanted(dice, wants, { atMs, mint, ttlSeconds, installation, target }));
    const key = dice.chance(0.15) || wants.has('key') ? { key: `key of ${mint}` } : {};
    if (key.key !== undefined) {
      const order = { mint: `${mint}r`, installation, secret, ttlSeconds, ...label, ...key } as const;
      happenings.push({ atMs: atMs + dice.magnitude(20, 120_000), does: 'mint', ...order });
    }
    for (let renewals = renewable ? dice.whole(wants.has('renewal') ? 1 : 0, 3) : 0; renewals > 0; renewals--) {
      const renewAtMs = atMs + dice.magnitude(1_000, ttlSeconds * 1_100);
      happenings.push({ atMs: renewAtMs, does: 'renew', mint, ttlSeconds: dice.pick([60, 300, 3_000]) });
    }
    happenings.push({ atMs, does: 'mint', mint, installation, secret, ttlSeconds, ...label, ...key });
    if (dice.chance(0.3)) {
      happenings.push({ atMs: atMs + dice.magnitude(50, ttlSeconds * 1_000), does: 'revoke', mint });
    }
    if (dice.chance(0.1)) {
      const selector = drawSelector(dice, targets, mint);
      const matchAtMs = atMs + dice.magnitude(50, ttlSeconds * 1_000);
      happenings.push({ atMs: matchAtMs, does: 'revoke_matching', installation, selector });
    }
  }
  if (dice.chance(0.15)) happenings.push(...drawCollision(dice, { ...frame, withinMs: 1_500, likely: 0.5 }));
  if (frame.harsh && frame.secondFactor.includes(usernames[0] ?? '') && dice.chance(0.3)) {
    happenings.push(...drawTwoLogins(dice, frame));
  }
  happenings.push(
    ...drawTroubles(
      dice,
      frame,
      happenings.filter(({ does }) => does === 'mint'),
    ),
  );
  for (const username of usernames) {
    const crowd = dice.chance(0.01) ? 150 : 0;
    for (let n = crowd + dice.pick([0, 3, 8, 14]); n > 0; n--) {
      // Some are old, and a few do not say when they were made.
      const age = n > 14 || dice.chance(0.5) ? { ageMs: 86_400_000 } : dice.chance(0.1) ? { ageMs: null } : {};
      happenings.push({ atMs: 0, does: 'human_create', username, look: drawLook(dice), ...age });
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
    if (dice.chance(0.15) || wants.has('put')) {
      const afterMs = dice.magnitude(1_000, 600_000);
      happenings.push({ atMs: anywhere(), does: 'password', username, endsSessions: dice.chance(0.5), afterMs });
    }
    if (dice.chance(0.15)) happenings.push({ atMs: anywhere(), does: 'end_sessions', username });
    if (wants.has('logout'))
      happenings.push({ atMs: firstEndMs - dice.magnitude(10, 60_000), does: 'end_sessions', username });
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
      if (frame.hubEnds && dice.chance(0.06) && (frame.harsh || !happenings.some(isPassword))) {
        happenings.push({ atMs: anywhere(), does: 'delete_target', installation, target: name });
      }
    }
    if (dice.chance(0.08)) {
      happenings.push({ atMs: anywhere(), does: 'restore', installation, backMs: dice.magnitude(1_000, 900_000) });
    }
    if (frame.hubEnds && dice.chance(0.06)) happenings.push({ atMs: anywhere(), does: 'demolish', installation });
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

/** Long enough to be lost, or short enough to be over soon. */
function ttlFor(wants: ReadonlySet<Want>): number {
  if (wants.has('restore')) return 900;
  return wants.has('expiry') || wants.has('deletion') ? 120 : 300;
}

/** What makes it likely that the first lease comes to the steps that are aimed at. */
function drawWanted(
  dice: Dice,
  wants: ReadonlySet<Want>,
  first: {
    readonly atMs: number;
    readonly mint: string;
    readonly ttlSeconds: number;
    readonly installation: InstallationName;
    readonly target: string;
  },
): Happening[] {
  const { atMs, mint, ttlSeconds, installation, target } = first;
  const during = () => atMs + dice.magnitude(1_000, ttlSeconds * 900);
  const wanted: Happening[] = [];
  const match = { does: 'revoke_matching', installation } as const;
  if (wants.has('matching')) wanted.push({ ...match, atMs: during(), selector: { target } });
  if (wants.has('leak')) wanted.push({ ...match, atMs: during(), selector: { tokenOf: mint } });
  if (wants.has('removal')) wanted.push({ atMs: dice.whole(0, atMs), does: 'delete_target', installation, target });
  if (wants.has('deletion')) wanted.push({ atMs: during(), does: 'delete_target', installation, target });
  if (wants.has('restore')) {
    const laterMs = dice.whole(1_000, 50_000);
    wanted.push({ atMs: atMs + laterMs, does: 'restore', installation, backMs: laterMs + 5_000 });
  }
  if (wants.has('expiry')) {
    wanted.push({ atMs: during(), does: 'rotation', installation, target, forMs: ttlSeconds * 1_000 + 900_000 });
  }
  return wanted;
}

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

function drawSelector(dice: Dice, targets: readonly PlannedTarget[], mint: string): PlannedSelector {
  const { name, secret } = dice.pick(targets);
  return dice.pick<PlannedSelector>([
    { prefix: 'ci' },
    { prefix: secret },
    // No whole segment: nothing matches.
    { prefix: 'c' },
    { target: name },
    { caller: 'arn:aws:iam::111122223333:role/ci' },
    { caller: 'arn:aws:iam::111122223333:role/other' },
    { tokenOf: mint },
    { tokenOf: mint },
  ]);
}

function drawLook(dice: Dice): Look {
  return dice.pick([
    'plain',
    'plain',
    'none',
    'other_account',
    'forged_mac',
    'other_installation',
    'unknown_key',
    'longer',
  ]);
}

function isPassword(happening: Happening): boolean {
  return happening.does === 'password';
}

function inOrder(happenings: Happening[]): Happening[] {
  return happenings.sort((one, other) => one.atMs - other.atMs);
}
