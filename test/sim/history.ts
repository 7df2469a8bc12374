import { revokeLease } from '../../functions/core/ending/revoke.ts';
import { revokeMatching, type Selector } from '../../functions/core/leases/all-leases.ts';
import { type LiveView, lookLive } from '../../functions/core/leases/live.ts';
import { mint } from '../../functions/core/leases/mint.ts';
import { listOwn, revokeOwn, showOwn } from '../../functions/core/leases/own-leases.ts';
import { renewOwn } from '../../functions/core/leases/renew.ts';
import { parseCaller } from '../../functions/core/model/caller.ts';
import { Failed } from '../../functions/core/model/failure.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { CreatedToken, TokenOrder } from '../../functions/core/ports/docker-hub.ts';
import { sweep } from '../../functions/core/sweeping/sweep.ts';
import { livePage } from '../../functions/live-page.ts';
import type { Ablation } from './ablation.ts';
import { Actor, type Scene } from './actor.ts';
import { Admins } from './admins.ts';
import { HOST_SKEW_MS, LEFT_TO_SWEEP_MS, SETTLE_MS, SWEEP_EVERY_MS } from './bounds.ts';
import { DrawnFaults, type FaultSource, RecordedFaults } from './fault-sources.ts';
import type { Fault } from './faults.ts';
import { furnish, ROLE, ROLE_SESSION_ID } from './furnish.ts';
import { type Violation, Watch } from './invariants.ts';
import type { Happening, InstallationName, Plan, PlannedSelector } from './plan.ts';
import { SimCatalog, SimCredentials, SimSealer, SimSessions } from './ports/catalog.ts';
import { SimHub } from './ports/hub.ts';
import { SimLeases } from './ports/leases.ts';
import type { SimToken } from './ports/tokens.ts';
import { type Trigger, Triggers } from './ports/triggers.ts';
import { type AllPorts, installationId, labelKeys, portsOf, type Stores } from './ports/wired.ts';
import { unitOf } from './prng.ts';
import { firstSweepMs } from './recurring.ts';
import { World } from './world.ts';

/** A login's trouble that a second try outlasts. */
const PASSING_TROUBLE_MS = 25_000;
/** Requests per minute with which the promise holds for as many leases as a history has. */
const ENOUGH_REQUESTS = 60;
/** How long a revocation of many works before it answers. */
const MATCHING_MS = 15_000;

/** How a history is to run. */
export interface HistoryOptions {
  /** These faults and no others; without it they are drawn. */
  readonly faults?: readonly Fault[];
  /** What decides them instead, for whoever wants to watch it decide. */
  readonly source?: FaultSource;
  readonly ablation?: Ablation;
  readonly keepsLog?: boolean;
}

/** How a history went. */
export interface HistoryResult {
  readonly violations: readonly Violation[];
  readonly hash: string;
  /** The fault decisions that were taken. */
  readonly faults: readonly Fault[];
  readonly answered: number;
  /** How often each kind of thing came about. */
  readonly reached: ReadonlyMap<string, number>;
  readonly log: readonly string[];
}

/** Runs one history to its end. The same plan and faults give the same history. */
export async function runHistory(plan: Plan, options: HistoryOptions = {}): Promise<HistoryResult> {
  const { stackTraceLimit } = Error;
  // Thousands of errors a second are made on purpose, and nobody reads where.
  if (options.keepsLog !== true) Error.stackTraceLimit = 0;
  try {
    return await new History(plan, options).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class History {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #watch: Watch;
  readonly #scene: Scene;
  readonly #hub: SimHub;
  readonly #ablation: Ablation;
  readonly #stores = new Map<InstallationName, Stores>();
  readonly #actors = new Set<Actor>();
  readonly #demolished = new Set<InstallationName>();
  /** Tokens known by the mint that made them. */
  readonly #leaseOf = new Map<string, { readonly installation: InstallationName; readonly leaseId: string }>();
  readonly #renewed = new Set<string>();
  readonly #admins: Admins;
  #sweeps = 0;
  #answered = 0;
  #sweptAtMs = 0;

  constructor(plan: Plan, options: HistoryOptions) {
    this.#plan = plan;
    this.#world = new World(plan.startMs, options.keepsLog ?? false);
    const draws = Object.keys(plan.intensities).length > 0 || (plan.aims ?? []).length > 0;
    const fails = draws || (options.faults ?? []).length > 0 || options.source;
    const { deletes } = plan.habits ?? {};
    const deletesEnd = deletes === undefined || deletes.takesMs !== undefined;
    const calm = !fails && deletesEnd;
    this.#watch = new Watch(
      this.#world,
      plan,
      calm && (plan.requestsPerMinute ?? ENOUGH_REQUESTS) >= ENOUGH_REQUESTS && plan.happenings.every(isCalm),
    );
    const chosen = options.source ?? (options.faults === undefined ? undefined : new RecordedFaults(options.faults));
    const faults = chosen ?? new DrawnFaults(plan);
    this.#scene = { world: this.#world, plan, faults, watch: this.#watch, outages: new Map() };
    this.#hub = new SimHub(this.#world, plan, this.#watch);
    this.#ablation = options.ablation ?? 'none';
    this.#admins = new Admins({
      world: this.#world,
      plan,
      watch: this.#watch,
      hub: this.#hub,
      storesOf: (name) => this.#storesOf(name),
      isDemolished: (name) => this.#demolished.has(name),
      act: (name, installation, run) => this.#act(name, installation, run),
    });
    for (const name of plan.installations) this.#install(name);
  }

  async run(): Promise<HistoryResult> {
    const { startMs, faultsEndMs, happenings } = this.#plan;
    for (const happening of happenings) this.#world.at(startMs + happening.atMs, () => this.#happen(happening));
    const endMs = startMs + faultsEndMs;
    await this.#world.run(endMs + SETTLE_MS, () => this.#isOver(endMs));
    // A refused create whose target is gone, or whose list serves no proof, waits for a day before an alarm tells anybody.
    if (!this.#isOver(endMs) && this.#watch.waitsForItsOwnTime()) {
      await this.#world.run(endMs + LEFT_TO_SWEEP_MS + SETTLE_MS, () => this.#isOver(endMs));
    }
    if (this.#watch.violations.length === 0) this.#watch.end();
    if (this.#watch.violations.length === 0) for (const what of this.#draining()) this.#watch.notRemoved(what);
    if (this.#watch.violations.length === 0) for (const what of this.#miscounted()) this.#watch.counterWrong(what);
    return {
      violations: this.#watch.violations,
      hash: this.#world.hash,
      faults: this.#scene.faults.taken,
      answered: this.#answered,
      reached: this.#watch.reached,
      log: this.#world.log ?? [],
    };
  }

  /** Whether something broke, or nothing is left to happen. */
  #isOver(endMs: number): boolean {
    if (this.#watch.violations.length > 0) return true;
    return (
      this.#sweptAtMs > endMs &&
      this.#world.quiet &&
      this.#isIdle() &&
      this.#watch.settled() &&
      this.#draining().length === 0 &&
      this.#miscounted().length === 0
    );
  }

  #install(name: InstallationName): void {
    const { seed, settleMs, startMs, targets, secondFactor } = this.#plan;
    const knowsItsOwn = this.#ablation !== 'op_id';
    const lagMs = (leaseId: string, version: number) => Math.floor(unitOf(seed, `${leaseId} ${version}`) * settleMs);
    const stores: Stores = {
      name,
      leases: new SimLeases(this.#world, this.#watch, { settleMs, lagMs, knowsItsOwn }),
      catalog: new SimCatalog(this.#watch, knowsItsOwn),
      sessions: new SimSessions(this.#watch, knowsItsOwn),
      credentials: new SimCredentials(),
      sealer: new SimSealer(),
      triggers: new Triggers(this.#scene, name, (leaseId, actor, trigger) =>
        this.#revoke(name, leaseId, actor, trigger),
      ),
      labels: labelKeys(name),
    };
    this.#stores.set(name, stores);
    for (const target of targets) furnish(stores, target, secondFactor.includes(target.username), startMs);
    this.#world.at(startMs + firstSweepMs(seed, name), () => this.#sweepForEver(name), true);
  }

  /** Starts an actor, and says when it is done; a dead one never is. */
  #act(
    name: string,
    installation: InstallationName,
    run: (ports: AllPorts, actor: Actor) => Promise<void>,
    kind?: Trigger,
  ): void {
    if (this.#demolished.has(installation)) return;
    const actor = new Actor(this.#scene, name, installation, kind);
    this.#actors.add(actor);
    const ports = portsOf(actor, this.#storesOf(installation), this.#hub, this.#world, this.#watch, this.#ablation);
    this.#world.note(`${name} starts`);
    this.#world.wake();
    run(ports, actor).finally(() => {
      this.#actors.delete(actor);
      this.#watch.left(actor);
      this.#world.note(`${name} ends`);
    });
  }

  /** What is marked for removal and still there, or was removed and left its credential. */
  #draining(): string[] {
    const left: string[] = [];
    for (const [name, { catalog, credentials }] of this.#stores) {
      if (this.#demolished.has(name)) continue;
      const rows = [...catalog.targets.byName(), ...catalog.secrets.byName()];
      left.push(...rows.filter((row) => row.status === 'draining').map((row) => `${row.name} of ${name}`));
      for (const target of this.#plan.targets) {
        const orphaned = catalog.targets.get(target.name) === undefined && credentials.read(target.name) !== undefined;
        if (orphaned) left.push(`the credential of ${target.name} of ${name}`);
      }
    }
    return left;
  }

  /** Quota counters in force that differ from how many leases hold them. */
  #miscounted(): string[] {
    const wrong: string[] = [];
    for (const [name, { catalog, leases }] of this.#stores) {
      if (this.#demolished.has(name)) continue;
      for (const { name: secret, maxActive } of catalog.secrets.byName()) {
        const open = leases.readCounter(`secret:${secret}`)?.open ?? 0;
        const held = leases.holders(`secret:${secret}`);
        if (maxActive !== undefined && open !== held) wrong.push(`${secret} of ${name} counts ${open} for ${held}`);
      }
    }
    return wrong;
  }

  /** Whether nobody is at work; the dead are not. */
  #isIdle(): boolean {
    for (const actor of this.#actors) if (actor.alive) return false;
    return true;
  }

  #storesOf(installation: InstallationName): Stores {
    return this.#stores.get(installation) as Stores;
  }

  #revoke(installation: InstallationName, leaseId: string, name: string, trigger: Trigger): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#act(
        name,
        installation,
        (ports) => revokeLease(ports, leaseId, { trigger: 'due', reason: 'expired' }).then(() => resolve(), reject),
        trigger,
      );
    });
  }

  #sweepForEver(installation: InstallationName): void {
    if (this.#demolished.has(installation)) return;
    const { nowMs } = this.#world;
    this.#world.at(nowMs + SWEEP_EVERY_MS, () => this.#sweepForEver(installation), true);
    this.#act(`sweep ${installation}.${this.#sweeps++}`, installation, async (ports) => {
      // A rejected sweep is repeated in five minutes.
      await sweep(ports, { untilMs: nowMs + 120_000, mostDue: 50 }).then(
        () => {
          this.#sweptAtMs = nowMs;
        },
        () => undefined,
      );
    });
  }

  #happen(happening: Happening): void {
    const { atMs: _, ...rest } = happening;
    this.#world.note(JSON.stringify(rest));
    this.#watch.reach(`happening ${happening.does}`);
    const { nowMs } = this.#world;
    switch (happening.does) {
      case 'mint':
        this.#mint(happening);
        break;
      case 'hammer':
        this.#hammer(happening, 0);
        break;
      case 'revoke':
        this.#revokeEarly(happening.mint);
        break;
      case 'revoke_matching':
        this.#revokeMatching(happening);
        break;
      case 'renew':
        this.#renew(happening.mint, happening.ttlSeconds);
        break;
      case 'kill':
        this.#kill(happening.installation);
        break;
      case 'demolish':
        this.#demolished.add(happening.installation);
        this.#watch.demolished(happening.installation);
        this.#kill(happening.installation);
        break;
      case 'outage': {
        const { port, dark } = happening;
        this.#scene.outages.set(port, { untilMs: this.#untilMs(happening.forMs), dark });
        break;
      }
      case 'human_create':
        this.#hub.humanCreates(happening.username, happening.look, happening.ageMs);
        break;
      case 'human_delete':
        this.#hub.humanDeletes(happening.username, happening.which, happening.ours);
        break;
      case 'human_use':
        this.#hub.humanUses(happening.username, happening.which);
        break;
      case 'human_rename':
        this.#hub.humanRenames(happening.username, happening.which, happening.keepsMark, (token) =>
          this.#isKnownById(token),
        );
        break;
      case 'password':
        this.#admins.changePassword(happening);
        break;
      case 'rotation':
        this.#admins.rotate(happening);
        break;
      case 'end_sessions':
        this.#hub.accounts.endSessions(happening.username);
        break;
      case 'restore':
        this.#watch.logins.excuse(happening.installation);
        this.#storesOf(happening.installation).leases.restore(nowMs - happening.backMs);
        break;
      case 'change_account':
        this.#admins.changeAccount(happening);
        break;
      case 'delete_target':
        this.#admins.deleteTarget(happening.installation, happening.target);
        break;
      case 'verify':
        this.#admins.verify(happening);
        break;
      case 'lose_role':
        this.#hub.loseRole(happening.username, happening.how, this.#untilMs(happening.forMs));
        break;
      case 'trouble_logins':
        this.#hub.troubleLogins(happening.username, happening.how, this.#untilMs(happening.forMs));
        break;
      case 'attest': {
        const lease = this.#leaseOf.get(happening.mint);
        if (lease !== undefined) this.#admins.attest(lease.installation, lease.leaseId, happening.mint);
        break;
      }
    }
  }

  /** When what lasts so long from now is over: no later than the faults. */
  #untilMs(forMs: number): number {
    return Math.min(this.#world.nowMs + forMs, this.#plan.startMs + this.#plan.faultsEndMs);
  }

  #mint(happening: Extract<Happening, { does: 'mint' }>): void {
    const { installation, secret, ttlSeconds, label, key, mint: name } = happening;
    const order = {
      secret,
      ttlSeconds,
      ...(label !== undefined && { label }),
      ...(key !== undefined && { idempotencyKey: key }),
    };
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: name };
    this.#act(`mint ${name}`, installation, async (seen, actor) => {
      const made = { answered: false };
      const ports: AllPorts = {
        ...seen,
        leases: {
          ...seen.leases,
          create: (lease, claims) => {
            this.#leaseOf.set(name, { installation, leaseId: lease.id });
            if (key !== undefined) this.#watch.keyed(lease.id, `${installation} ${key}`);
            return seen.leases.create(lease, claims);
          },
        },
        minter: {
          createToken: async (...args) => {
            const reply = await seen.minter.createToken(...args);
            if (reply.ok && this.#isAsAsked(installation, secret, args[2], reply.value)) made.answered = true;
            return reply;
          },
        },
      };
      try {
        const minted = await mint(ports, origin, order);
        this.#answered += 1;
        this.#world.note(`${name} answered`);
        this.#watch.answered(minted, this.#hub.tokenOf(minted.lease.tokenId));
      } catch (error) {
        this.#watch.refused(error, `mint ${name}`);
        const tag = error instanceof Failed ? error.failure.tag : 'an error';
        this.#world.note(`${name} refused: ${tag}`);
        const leaseId = this.#leaseOf.get(name)?.leaseId;
        const disturbed = leaseId === undefined || this.#isDisturbed(leaseId, actor);
        if (made.answered && !disturbed) this.#watch.mintLost(`mint ${name}`, tag);
      }
    });
  }

  /** Whether Docker Hub made what it was asked for, as far as was learned of it: only that must be answered. */
  #isAsAsked(
    installation: InstallationName,
    secret: string,
    { label, expiresAtMs }: TokenOrder,
    made: CreatedToken,
  ): boolean {
    const { catalog } = this.#storesOf(installation);
    const { verification } = catalog.targets.get(catalog.secrets.get(secret)?.target ?? '') ?? {};
    const slackMs = (verification?.expirySlackSeconds ?? 0) * 1_000;
    if (made.label !== label || made.expiresAtMs === null || expiresAtMs === null) return false;
    return made.expiresAtMs >= expiresAtMs && made.expiresAtMs <= expiresAtMs + slackMs;
  }

  /** Whether anything gave a mint a reason to be given up. */
  #isDisturbed(leaseId: string, actor: Actor): boolean {
    const watched = this.#watch.lease(leaseId);
    const { row, restored } = watched;
    // A renewal by somebody who did not wait for the answer is another writer, too.
    if (this.#renewed.has(leaseId)) return true;
    // A caller's look notes what it saw in the lease's row, and so is another writer.
    const isHammered = this.#plan.happenings.some(
      (one) => one.does === 'hammer' && this.#leaseOf.get(one.mint)?.leaseId === leaseId,
    );
    if (isHammered) return true;
    if (actor.troubles > 0 || actor.throttled || this.#watch.isAsked(watched) || restored || row === undefined)
      return true;
    return (
      this.#world.nowMs >= row.mintByMs - HOST_SKEW_MS ||
      this.#plan.happenings.some((one) => one.does === 'delete_target')
    );
  }

  /** Looks, lists and deletes, and then again. */
  #hammer(hammer: Extract<Happening, { does: 'hammer' }>, turn: number): void {
    if (turn >= hammer.times) return;
    this.#world.at(this.#world.nowMs + hammer.everyMs, () => this.#hammer(hammer, turn + 1));
    const lease = this.#leaseOf.get(hammer.mint);
    if (lease === undefined) return;
    if (hammer.deletes && turn % 3 === 2) {
      this.#revokeEarly(hammer.mint, ` ${turn}`);
      return;
    }
    const { installation, leaseId } = lease;
    const name = `look ${hammer.mint} ${turn}`;
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: name };
    this.#act(name, installation, async (ports) => {
      try {
        const views: (LiveView | undefined)[] = [];
        if (turn % 3 === 0) {
          const page = await listOwn(ports, origin, {}, { limit: 20 });
          await livePage(ports, page, true, (_, live) => views.push(live));
        } else {
          views.push(await lookLive(ports, await showOwn(ports, origin, leaseId)));
        }
        for (const view of views) this.#watch.reach(view === undefined ? 'look without a view' : 'look with a view');
      } catch (error) {
        this.#watch.refused(error, name);
      }
    });
  }

  /** The owner, or an admin who found the lease in a list, has it revoked. */
  #revokeEarly(mint: string, again = ''): void {
    const lease = this.#leaseOf.get(mint);
    if (lease === undefined) return;
    const { installation, leaseId } = lease;
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: `revoke ${mint}` };
    this.#watch.revokeAsked(leaseId);
    this.#act(`ask ${mint}${again}`, installation, async (ports) => {
      await revokeOwn(ports, origin, leaseId).catch((error: unknown) => this.#watch.refused(error, `revoke ${mint}`));
    });
  }

  #revokeMatching({ installation, selector: planned }: Extract<Happening, { does: 'revoke_matching' }>): void {
    const selector = this.#selectorOf(installation, planned);
    if (selector === undefined) return;
    const label = labelStart(installation);
    const { settleMs } = this.#storesOf(installation).leases;
    const name = `match ${installation} ${this.#world.nowMs - this.#plan.startMs}`;
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: name };
    this.#act(name, installation, async (ports, actor) => {
      const covers = (row: Lease) => row.hubLabel.startsWith(label) && isNamed(row, selector);
      const answered = this.#watch.matchingAsked(covers, settleMs);
      try {
        const { complete } = await revokeMatching(ports, origin, selector, ports.clock.nowMs() + MATCHING_MS);
        answered(complete && actor.troubles === 0);
      } catch (error) {
        answered(false);
        this.#watch.refused(error, name);
      }
    });
  }

  /** What an admin can name by now: a token is known once its caller has it, or leaked it. */
  #selectorOf(installation: InstallationName, planned: PlannedSelector): Selector | undefined {
    if (!('tokenOf' in planned)) return planned;
    const lease = this.#leaseOf.get(planned.tokenOf);
    if (lease === undefined || lease.installation !== installation) return undefined;
    const tokenSha256 = this.#watch.lease(lease.leaseId).row?.tokenSha256;
    return tokenSha256 === undefined ? undefined : { tokenSha256 };
  }

  #renew(mint: string, ttlSeconds: number): void {
    const lease = this.#leaseOf.get(mint);
    if (lease === undefined) return;
    const { installation, leaseId } = lease;
    this.#renewed.add(leaseId);
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: `renew ${mint}` };
    const name = `renew ${mint} ${this.#world.nowMs - this.#plan.startMs}`;
    this.#act(name, installation, async (ports) => {
      await renewOwn(ports, origin, leaseId, ttlSeconds).catch((error: unknown) => this.#watch.refused(error, name));
    });
  }

  #kill(installation: InstallationName): void {
    for (const actor of this.#actors) {
      if (actor.installation !== installation) continue;
      actor.die();
      this.#actors.delete(actor);
    }
  }

  #isKnownById(token: SimToken): boolean {
    if (token.owner === undefined) return false;
    // Once its row is lost as well, nobody could know it again.
    if (this.#plan.happenings.some((happening) => happening.does === 'restore')) return false;
    const row = this.#storesOf(token.owner.installation).leases.get(token.owner.leaseId);
    return row?.tokenId === token.tokenId && !this.#watch.lease(token.owner.leaseId).restored;
  }
}

/** How every label of an installation begins. */
function labelStart(installation: InstallationName): string {
  return `hl1:${installationId(installation)}:`;
}

/** Said again here, so that a selector which takes too much is seen. */
function isNamed(row: Lease, selector: Selector): boolean {
  if ('prefix' in selector) return `${row.secret}/`.startsWith(`${selector.prefix}/`);
  if ('target' in selector) return row.target === selector.target;
  return 'caller' in selector ? row.caller === selector.caller : row.tokenSha256 === selector.tokenSha256;
}

/** What happens in normal running: nothing fails for it. */
function isCalm(happening: Happening): boolean {
  if (happening.does === 'trouble_logins') return happening.how === 'refused' && happening.forMs <= PASSING_TROUBLE_MS;
  return [
    'verify',
    'mint',
    'renew',
    'hammer',
    'revoke',
    'revoke_matching',
    'human_create',
    'human_use',
    'human_rename',
    'human_delete',
    'end_sessions',
    'change_account',
  ].includes(happening.does);
}
