import { CANARY } from './canary.ts';
import type { FaultSource } from './fault-sources.ts';
import type { Fault, FaultKind, Spans } from './faults.ts';
import type { Watch } from './invariants.ts';
import type { InstallationName, OutagePort, Plan } from './plan.ts';
import { unitOf } from './prng.ts';
import { stepOf } from './steps.ts';
import type { World } from './world.ts';

/** Why a call got no proper answer. */
export type Refusal = 'failed' | 'lost' | 'throttled' | 'refused' | 'declined' | 'rejected' | 'repeated';

/** One way to call a port. */
export interface Site {
  /** Such as `leases.update`. */
  readonly name: string;
  readonly faults: readonly FaultKind[];
  readonly outage: OutagePort | undefined;
  /** Least and most time an undisturbed call takes. */
  readonly takesMs: readonly [number, number];
  readonly spans?: Spans;
}

/** One call of a port on its way. */
interface Call<T> {
  readonly site: Site;
  readonly key: string;
  /** When it has its effect, undisturbed. */
  readonly landsMs: number;
  readonly apply: (fault: FaultKind | undefined) => T;
  readonly refuse: (why: Refusal, atMs: number) => T;
  /** Hands an answer to whoever called, if they live. */
  readonly answer: (produce: () => T) => void;
}

/** Where the world's parts meet, for every call. */
export interface Scene {
  readonly world: World;
  readonly plan: Plan;
  readonly faults: FaultSource;
  readonly watch: Watch;
  /** Outages by port: until when, and whether calls still take effect. */
  readonly outages: Map<OutagePort, { readonly untilMs: number; readonly dark: boolean }>;
}

/** One run of one function: it may die between any two of its calls, and then nothing of it goes on. */
export class Actor {
  readonly name: string;
  readonly installation: InstallationName;
  /** What it does, or what called it where that is a trigger. */
  readonly kind: string;
  /** What it does: the first word of its name. */
  readonly role: string;
  /** How far its clock is off. */
  readonly skewMs: number;
  alive = true;
  /** How many of its calls did not simply succeed. */
  troubles = 0;
  /** Whether Docker Hub ever told it to wait. */
  throttled = false;
  readonly startedAtMs: number;
  readonly #scene: Scene;
  readonly #ordinals = new Map<string, number>();

  constructor(scene: Scene, name: string, installation: InstallationName, kind?: string) {
    this.#scene = scene;
    this.startedAtMs = scene.world.nowMs;
    this.name = name;
    this.installation = installation;
    this.role = name.split(' ')[0] as string;
    this.kind = kind ?? this.role;
    const { seed, hostSkewMs = 0 } = scene.plan;
    this.skewMs = Math.round((unitOf(seed, `clock of ${name}`) * 2 - 1) * hostSkewMs);
  }

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#scene.watch.logins.excuse(this.installation);
    this.#scene.watch.left(this);
    this.#scene.world.note(`${this.name} dies`);
  }

  ordinal(of: string): number {
    const ordinal = this.#ordinals.get(of) ?? 0;
    this.#ordinals.set(of, ordinal + 1);
    return ordinal;
  }

  /** Resolves in `ms`, if the actor still lives. */
  sleep(ms: number): Promise<void> {
    const { world } = this.#scene;
    return new Promise((resolve) => {
      world.at(world.nowMs + ms, () => {
        if (!this.alive) return;
        world.wake();
        resolve();
      });
    });
  }

  /**
   * Calls a port: the effect happens at one instant, and the answer comes then or later, as the faults have it.
   *
   * @param apply the effect; its value is the answer.
   * @param refuse what answers, or throws, when there is no proper answer; `atMs` is until when to wait, or for `repeated`, which
   *   of the refusals it is.
   */
  call<T>(
    site: Site,
    apply: (fault: FaultKind | undefined) => T,
    refuse: (why: Refusal, atMs: number) => T,
  ): Promise<T> {
    const { world, plan, faults, watch } = this.#scene;
    const key = `${this.name} ${site.name}#${this.ordinal(site.name)}`;
    return new Promise((resolve, reject) => {
      if (!this.alive) return;
      watch.step(stepOf(this.role, site.name));
      const fault = faults.at(key, site.faults, world.nowMs, site.spans);
      const [least, most] = site.takesMs;
      const landsMs = world.nowMs + least + Math.floor(unitOf(plan.seed, key) * (most - least));
      const answer = (produce: () => T) => {
        if (!this.alive) return;
        world.wake();
        try {
          resolve(produce());
        } catch (error) {
          reject(error);
        }
      };
      const call = { site, key, landsMs, apply, refuse, answer };
      if (fault === undefined) {
        world.at(landsMs, () => this.#arrive(call, undefined, answer));
      } else {
        this.#trouble(fault);
        this.#disturb(call, fault);
      }
    });
  }

  /** What becomes of a call with a fault. */
  #disturb<T>(call: Call<T>, fault: Fault): void {
    const { world } = this.#scene;
    const { landsMs, answer, refuse } = call;
    const land = (atMs: number, and: (produce: () => T) => void) =>
      world.at(atMs, () => this.#arrive(call, fault.kind, and));
    const say = (why: Refusal, atMs: number) => world.at(atMs, () => answer(() => refuse(why, world.nowMs)));
    switch (fault.kind) {
      case 'duplicate':
      case 'drop':
      case 'delay':
        land(landsMs, answer);
        break;
      case 'crash_before':
        this.die();
        break;
      case 'crash_after':
        land(landsMs, () => this.die());
        break;
      case 'fail':
        say('failed', landsMs);
        break;
      case 'throttle':
        world.at(landsMs, () => answer(() => refuse('throttled', world.nowMs + fault.ms)));
        break;
      case 'refuse':
        say('refused', landsMs);
        break;
      case 'decline':
        say('declined', landsMs);
        break;
      case 'reject':
        say('rejected', landsMs);
        break;
      case 'repeat':
        land(landsMs, () => answer(() => refuse('repeated', fault.ms)));
        break;
      case 'lose':
        land(landsMs, nothing);
        say('lost', landsMs + fault.ms);
        break;
      case 'late':
        land(landsMs + fault.ms, nothing);
        say('lost', landsMs);
        break;
      case 'twice':
        land(landsMs, nothing);
        land(landsMs + fault.ms, answer);
        break;
      case 'stall':
        land(landsMs + fault.ms, answer);
        break;
      case 'freeze':
        land(landsMs, (produce) => world.at(world.nowMs + fault.ms, () => answer(produce)));
        break;
    }
  }

  #trouble(fault: Fault): void {
    if (fault.kind !== 'twice') {
      this.troubles += 1;
      this.#scene.watch.logins.excuse(this.installation);
    }
    this.#scene.world.note(`fault ${fault.kind} ${fault.ms} at ${fault.key}`);
  }

  /** A call has its effect, unless an outage keeps it away; `and` gets what produces the answer. */
  #arrive<T>(call: Call<T>, kind: FaultKind | undefined, and: (produce: () => T) => void): void {
    const { world, watch } = this.#scene;
    const { site, key, apply, answer, refuse } = call;
    const outage = site.outage === undefined ? undefined : this.#scene.outages.get(site.outage);
    if (outage === undefined || world.nowMs >= outage.untilMs) {
      const value = apply(kind);
      world.note(key);
      and(() => value);
      return;
    }
    this.troubles += 1;
    watch.logins.excuse(this.installation);
    if (outage.dark) apply(kind);
    world.note(`${key} meets an outage`);
    answer(() => refuse(outage.dark ? 'lost' : 'failed', world.nowMs));
  }
}

function nothing(): void {}

/** What a call of a store rejects with. Its text must stay inside. */
export function storeRefusal(why: Refusal): never {
  throw new Error(`${CANARY}: simulated, ${why}`);
}
