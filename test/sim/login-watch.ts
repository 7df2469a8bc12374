import { HOST_SKEW_MS } from './bounds.ts';
import type { InvariantName } from './invariants.ts';
import type { InstallationName, Plan } from './plan.ts';
import type { World } from './world.ts';

/** Ten minutes, seen by one process whose clock is ahead and another whose is behind. */
const LOCK_WINDOW_MS = 600_000 - 2 * HOST_SKEW_MS;
/** A process may have failed to note a refusal this long ago. */
const EXCUSE_MS = 660_000;
/** Within a minute one login comes at first, and one after a pause of 10 s and of 20 s. Another may cross the note of one of these. */
const EDGE_WINDOW_MS = 60_000;
const MAX_EDGE_LOGINS = 4;

/** Callers' looks where Docker Hub states no limit, and at most where it takes 60 requests a minute, as many as any history has. */
const LOOKS_PER_MINUTE = 6;
/** One more where the minute has only begun, and one for each of two clocks that differ from Docker Hub's. */
const LOOKS_BESIDES = 3;
const MINUTE_MS = 60_000;

/** Sees every login and every caller's look, and says when an installation goes on asking in vain. */
export class LoginWatch {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #say: (invariant: InvariantName, detail: string) => void;
  readonly #refused = new Map<string, number[]>();
  readonly #proven = new Set<string>();
  readonly #edge = new Map<string, number[]>();
  readonly #looks = new Map<string, number[]>();
  readonly #excuses: { readonly atMs: number; readonly installation: InstallationName }[] = [];

  constructor(world: World, plan: Plan, say: (invariant: InvariantName, detail: string) => void) {
    this.#world = world;
    this.#plan = plan;
    this.#say = say;
  }

  /** Something may keep an installation from writing down what its login came to. */
  excuse(installation: InstallationName): void {
    this.#excuses.push({ atMs: this.#world.nowMs, installation });
  }

  /** Docker Hub refused a login of ours. Repeating those locks the user name, and revocations out with it. */
  refused(installation: InstallationName, username: string, password: string): void {
    const key = `${installation} ${username} ${password}`;
    const recent = this.#add(this.#refused, key, LOCK_WINDOW_MS);
    // Somebody else may have spent a refused code, and a password that worked may have met a passing fault: one more try is fair.
    const fair = this.#plan.secondFactor.includes(username) || this.#proven.has(key) ? 2 : 1;
    if (recent > fair + this.#excusesSince(installation, EXCUSE_MS)) {
      this.#say('too_many_refused_logins', `${recent} within ten minutes for ${username}`);
    }
  }

  /** Docker Hub took a login of ours, which ends its count of refusals. */
  worked(installation: InstallationName, username: string, password: string): void {
    const key = `${installation} ${username} ${password}`;
    this.#proven.add(key);
    this.#refused.delete(key);
  }

  /** Something else than Docker Hub answered a login of ours. */
  metEdge(installation: InstallationName, username: string): void {
    const recent = this.#add(this.#edge, `${installation} ${username}`, EDGE_WINDOW_MS);
    if (recent > MAX_EDGE_LOGINS + this.#excusesSince(installation, 2 * EDGE_WINDOW_MS)) {
      this.#say('edge_stormed', `${recent} logins of ${username} within a minute met a page of something else`);
    }
  }

  /** A caller's look came to Docker Hub. */
  looked(installation: InstallationName, username: string): void {
    const recent = this.#add(this.#looks, `${installation} ${username}`, MINUTE_MS);
    if (recent > LOOKS_PER_MINUTE + LOOKS_BESIDES + this.#excusesSince(installation, MINUTE_MS)) {
      this.#say('looks_stormed', `${recent} looks at ${username}'s tokens within a minute`);
    }
  }

  /** Notes one more, and says how many there were within the window. */
  #add(times: Map<string, number[]>, key: string, windowMs: number): number {
    const { nowMs } = this.#world;
    const recent = (times.get(key) ?? []).filter((atMs) => atMs > nowMs - windowMs);
    recent.push(nowMs);
    times.set(key, recent);
    return recent.length;
  }

  #excusesSince(installation: InstallationName, withinMs: number): number {
    const sinceMs = this.#world.nowMs - withinMs;
    return this.#excuses.filter((excuse) => excuse.installation === installation && excuse.atMs > sinceMs).length;
  }
}
