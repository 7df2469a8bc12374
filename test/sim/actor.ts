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
    this.#scene.watch.excuse(this.installation);
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
    const { world, plan, faults } = this.#scene;
    const key = `${this.name} ${site.name}#${this.ordinal(site.name)}`;
    return new Promise((resolve, reject) => {
      if (!this.alive) return;
      this.#scene.watch.step(stepOf(this.role, site.name));
      const fault = faults.at(key, site.faults, world.nowMs, site.spans);
      if (fault !== undefined) this.#trouble(fault);
      const answer = (produce: () => T) => {
        if (!this.alive) return;
        world.wake();
        try {
          resolve(produce());
        } catch (error) {
          reject(error);
        }
      };
      const [least, most] = site.takesMs;
      const landsMs = world.nowMs + least + Math.floor(unitOf(plan.seed, key) * (most - least));
      const land = (atMs: number, and: (effect: T) => void) =>
        world.at(atMs, () => {
          const effect = this.#land(site, key, apply, fault?.kind);
          if (effect.lost) answer(() => refuse(effect.why, world.nowMs));
          else and(effect.value);
        });
      switch (fault?.kind) {
        case undefined:
        case 'duplicate':
          land(landsMs, (value) => answer(() => value));
          break;
        case 'crash_before':
          this.die();
          break;
        case 'crash_after':
          land(landsMs, () => this.die());
          break;
        case 'fail':
          world.at(landsMs, () => answer(() => refuse('failed', world.nowMs)));
          break;
        case 'throttle':
          world.at(landsMs, () => answer(() => refuse('throttled', world.nowMs + fault.ms)));
          break;
        case 'refuse':
          world.at(landsMs, () => answer(() => refuse('refused', world.nowMs)));
          break;
        case 'decline':
          world.at(landsMs, () => answer(() => refuse('declined', world.nowMs)));
          break;
        case 'reject':
          world.at(landsMs, () => answer(() => refuse('rejected', world.nowMs)));
          break;
        case 'repeat':
          land(landsMs, () => answer(() => refuse('repeated', fault.ms)));
          break;
        case 'lose':
          land(landsMs, () => undefined);
          world.at(landsMs + fault.ms, () => answer(() => refuse('lost', world.nowMs)));
          break;
        case 'late':
          land(landsMs + fault.ms, () => undefined);
          world.at(landsMs, () => answer(() => refuse('lost', world.nowMs)));
          break;
        case 'twice':
          land(landsMs, () => undefined);
          land(landsMs + fault.ms, (value) => answer(() => value));
          break;
        case 'stall':
          land(landsMs + fault.ms, (value) => answer(() => value));
          break;
        case 'freeze':
          land(landsMs, (value) => world.at(world.nowMs + fault.ms, () => answer(() => value)));
          break;
        case 'drop':
        case 'delay':
          land(landsMs, (value) => answer(() => value));
          break;
      }
    });
  }

  #trouble(fault: Fault): void {
    if (fault.kind !== 'twice') {
      this.troubles += 1;
      this.#scene.watch.excuse(this.installation);
    }
    this.#scene.world.note(`fault ${fault.kind} ${fault.ms} at ${fault.key}`);
  }

  #land<T>(
    site: Site,
    key: string,
    apply: (fault: FaultKind | undefined) => T,
    kind: FaultKind | undefined,
  ): { readonly lost: false; readonly value: T } | { readonly lost: true; readonly why: Refusal } {
    const { world, outages, watch } = this.#scene;
    const outage = site.outage === undefined ? undefined : outages.get(site.outage);
    if (outage !== undefined && world.nowMs < outage.untilMs) {
      this.troubles += 1;
      watch.excuse(this.installation);
      if (outage.dark) apply(kind);
      world.note(`${key} meets an outage`);
      return { lost: true, why: outage.dark ? 'lost' : 'failed' };
    }
    const value = apply(kind);
    world.note(key);
    return { lost: false, value };
  }
}

/** What a call of a store rejects with. Its text must stay inside. */
export function storeRefusal(why: Refusal): never {
  throw new Error(`${CANARY}: simulated, ${why}`);
}
