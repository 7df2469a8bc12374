import type { Scene } from '../actor.ts';
import { TRIGGER_FAULTS } from '../faults.ts';
import type { InstallationName } from '../plan.ts';
import { unitOf } from '../prng.ts';
import { ttlLagMs } from '../recurring.ts';

/** EventBridge takes no instant nearer than this. */
const SCHEDULER_LEAD_MS = 90_000;
/** How long a message stays invisible after it was handed out. */
const VISIBILITY_MS = 90_000;
/** Deliveries before a message goes to the dead-letter queue. */
const MAX_DELIVERIES = 6;
const FIRST_BACKOFF_MS = 30_000;

/** Handles one message; settles when it was handled, and never when the handler died. */
export type Revoker = (leaseId: string, name: string, trigger: Trigger) => Promise<void>;

/** What called the revoker: the scheduler's job, the timer's end, the due sweep, or an attempt that wants another. */
export type Trigger = 'job' | 'ttl' | 'due' | 'retry';

/**
 * What calls the revoker of one installation: the scheduler's jobs, the timers' expiry, and the queue between. Each trigger
 * may be lost, late or doubled by fault, and the queue delivers at least once by nature.
 */
export class Triggers {
  readonly #scene: Scene;
  readonly #installation: InstallationName;
  readonly #revoker: Revoker;
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #armed = new Map<string, number>();

  constructor(scene: Scene, installation: InstallationName, revoker: Revoker) {
    this.#scene = scene;
    this.#installation = installation;
    this.#revoker = revoker;
  }

  /** Remembers which mint a lease is of, so that names in a trace say it. */
  nameLease(mint: string, leaseId: string): string {
    this.#names.set(leaseId, mint.replace('mint ', ''));
    return leaseId;
  }

  #name(what: string, leaseId: string): string {
    const lease = `${what} ${this.#installation} ${this.#names.get(leaseId) ?? 'unnamed'}`;
    const count = this.#counts.get(lease) ?? 0;
    this.#counts.set(lease, count + 1);
    return `${lease}.${count}`;
  }

  arm(leaseId: string, atMs: number): void {
    const { world, plan, watch } = this.#scene;
    watch.armed(leaseId);
    // The same job again is the same job.
    if (this.#armed.get(leaseId) === atMs) return;
    this.#armed.set(leaseId, atMs);
    const name = this.#name('job', leaseId);
    const precise = plan.schedulerWindowMs < 1_000;
    const earliestMs = precise ? atMs : Math.max(atMs, world.nowMs + SCHEDULER_LEAD_MS);
    const windowMs = Math.floor(unitOf(plan.seed, name) * plan.schedulerWindowMs);
    this.#trigger(name, earliestMs + windowMs, () => this.send(leaseId, 0, 'job'));
  }

  armTimer(leaseId: string, ttlAtMs: number): void {
    const { plan } = this.#scene;
    const name = this.#name('ttl', leaseId);
    this.#trigger(name, ttlAtMs + ttlLagMs(plan.seed, name), () => this.#deliver(leaseId, 'ttl', 1));
  }

  send(leaseId: string, delayMs: number, trigger: Trigger): void {
    const { world, plan } = this.#scene;
    const name = this.#name('message', leaseId);
    const travelMs = 5 + Math.floor(unitOf(plan.seed, name) * 500);
    this.#trigger(name, world.nowMs + delayMs + travelMs, () => this.#deliver(leaseId, trigger, 1));
  }

  /** Once every lease is over nobody waits for what would call for one: a timer may come half an hour later. */
  #trigger(name: string, atMs: number, fire: () => void): void {
    const { world, faults } = this.#scene;
    const fault = faults.at(name, TRIGGER_FAULTS, world.nowMs);
    if (fault !== undefined) world.note(`fault ${fault.kind} ${fault.ms} at ${name}`);
    if (fault?.kind === 'drop') return;
    world.at(fault?.kind === 'delay' ? atMs + fault.ms : atMs, fire, true);
    if (fault?.kind === 'twice') world.at(atMs + fault.ms, fire, true);
  }

  #deliver(leaseId: string, trigger: Trigger, delivery: number): void {
    const { world } = this.#scene;
    const name = this.#name('revoke', leaseId);
    let handled = false;
    this.#revoker(leaseId, name, trigger).then(
      () => {
        handled = true;
      },
      () => {
        handled = true;
        if (delivery >= MAX_DELIVERIES) return;
        world.at(world.nowMs + FIRST_BACKOFF_MS * 2 ** (delivery - 1), () =>
          this.#deliver(leaseId, trigger, delivery + 1),
        );
      },
    );
    // Whoever took the message may be dead, or only slow: the queue cannot tell, and hands it out again.
    world.at(world.nowMs + VISIBILITY_MS, () => {
      if (!handled && delivery < MAX_DELIVERIES) this.#deliver(leaseId, trigger, delivery + 1);
    });
  }
}
