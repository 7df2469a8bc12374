import { revokeMatching, type Selector } from '../../functions/core/all-leases.ts';
import { parseCaller } from '../../functions/core/caller.ts';
import { Failed } from '../../functions/core/failure.ts';
import { writeLabel } from '../../functions/core/label.ts';
import type { Lease } from '../../functions/core/lease.ts';
import { mint } from '../../functions/core/mint.ts';
import { revokeOwn } from '../../functions/core/own-leases.ts';
import { renewOwn } from '../../functions/core/renew.ts';
import { revokeLease } from '../../functions/core/revoke.ts';
import { deleteSecret } from '../../functions/core/secrets.ts';
import { sweep } from '../../functions/core/sweep.ts';
import type { Credential } from '../../functions/core/target.ts';
import { deleteTarget, putTarget } from '../../functions/core/targets.ts';
import type { Ablation } from './ablation.ts';
import { Actor, type Scene } from './actor.ts';
import { HOST_SKEW_MS, SETTLE_MS, SWEEP_EVERY_MS } from './bounds.ts';
import { CANARY } from './canary.ts';
import { DrawnFaults, type FaultSource, RecordedFaults } from './fault-sources.ts';
import type { Fault } from './faults.ts';
import { type Violation, Watch } from './invariants.ts';
import type { Happening, InstallationName, Look, Plan, PlannedSelector, PlannedTarget } from './plan.ts';
import { SimCatalog, SimCredentials, SimSealer, SimSessions } from './ports/catalog.ts';
import { firstPassword, SimHub, type SimToken } from './ports/hub.ts';
import { SimLeases } from './ports/leases.ts';
import { type Trigger, Triggers } from './ports/triggers.ts';
import { type AllPorts, installationId, labelKeys, portsOf, type Stores } from './ports/wired.ts';
import { unitOf } from './prng.ts';
import { firstSweepMs } from './recurring.ts';
import { World } from './world.ts';

/** How long an admin waits before trying a refused change again, and how often. */
const ADMIN_RETRY_MS = 60_000;
const ADMIN_TRIES = 60;
/** How long a revocation of many works before it answers. */
const MATCHING_MS = 15_000;
const ROLE = 'arn:aws:iam::111122223333:role/ci';

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
  const history = new History(plan, options);
  return history.run();
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
  readonly #passwords = new Map<string, string>();
  /** The last credential that was not a stranger’s, by installation and target. */
  readonly #beforeRotation = new Map<string, Credential>();
  #sweeps = 0;
  #answered = 0;
  #sweptAtMs = 0;

  constructor(plan: Plan, options: HistoryOptions) {
    this.#plan = plan;
    this.#world = new World(plan.startMs, options.keepsLog ?? false);
    const calm = Object.keys(plan.intensities).length === 0 && (options.faults ?? []).length === 0 && !options.source;
    this.#watch = new Watch(
      this.#world,
      plan,
      calm && plan.requestsPerMinute === undefined && plan.happenings.every(isCalm),
    );
    const chosen = options.source ?? (options.faults === undefined ? undefined : new RecordedFaults(options.faults));
    const faults = chosen ?? new DrawnFaults(plan);
    this.#scene = { world: this.#world, plan, faults, watch: this.#watch, outages: new Map() };
    this.#hub = new SimHub(this.#world, plan, this.#watch);
    this.#ablation = options.ablation ?? 'none';
    for (const name of plan.installations) this.#install(name);
  }

  async run(): Promise<HistoryResult> {
    const { startMs, faultsEndMs, happenings } = this.#plan;
    for (const happening of happenings) this.#world.at(startMs + happening.atMs, () => this.#happen(happening));
    const endMs = startMs + faultsEndMs;
    await this.#world.run(
      endMs + SETTLE_MS,
      () =>
        this.#watch.violations.length > 0 ||
        (this.#sweptAtMs > endMs &&
          this.#world.quiet &&
          this.#isIdle() &&
          this.#watch.settled() &&
          this.#draining().length === 0 &&
          this.#miscounted().length === 0),
    );
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
        const untilMs = Math.min(nowMs + happening.forMs, this.#plan.startMs + this.#plan.faultsEndMs);
        this.#scene.outages.set(happening.port, { untilMs, dark: happening.dark });
        break;
      }
      case 'human_create':
        this.#hub.humanCreates(happening.username, this.#strangerLabel(happening.username, happening.look));
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
        this.#changePassword(happening);
        break;
      case 'rotation':
        this.#rotate(happening);
        break;
      case 'end_sessions':
        this.#hub.endSessions(happening.username);
        break;
      case 'restore':
        this.#watch.excuse(happening.installation);
        this.#storesOf(happening.installation).leases.restore(nowMs - happening.backMs);
        break;
      case 'change_account':
        this.#changeAccount(happening);
        break;
      case 'delete_target':
        this.#deleteTarget(happening.installation, happening.target);
        break;
    }
  }

  #mint(happening: Extract<Happening, { does: 'mint' }>): void {
    const { installation, secret, ttlSeconds, label, key, mint: name } = happening;
    const order = {
      secret,
      ttlSeconds,
      ...(label !== undefined && { label }),
      ...(key !== undefined && { idempotencyKey: key }),
    };
    const origin = { caller: parseCaller(ROLE), requestId: name };
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
            if (reply.ok) made.answered = true;
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

  /** Whether anything gave a mint a reason to be given up. */
  #isDisturbed(leaseId: string, actor: Actor): boolean {
    const watched = this.#watch.lease(leaseId);
    const { row, restored } = watched;
    // A renewal by somebody who did not wait for the answer is another writer, too.
    if (this.#renewed.has(leaseId)) return true;
    if (actor.troubles > 0 || actor.throttled || this.#watch.isAsked(watched) || restored || row === undefined)
      return true;
    return (
      this.#world.nowMs >= row.mintByMs - HOST_SKEW_MS ||
      this.#plan.happenings.some((one) => one.does === 'delete_target')
    );
  }

  /** The owner, or an admin who found the lease in a list, has it revoked. */
  #revokeEarly(mint: string): void {
    const lease = this.#leaseOf.get(mint);
    if (lease === undefined) return;
    const { installation, leaseId } = lease;
    const origin = { caller: parseCaller(ROLE), requestId: `revoke ${mint}` };
    this.#watch.revokeAsked(leaseId);
    this.#act(`ask ${mint}`, installation, async (ports) => {
      await revokeOwn(ports, origin, leaseId).catch((error: unknown) => this.#watch.refused(error, `revoke ${mint}`));
    });
  }

  #revokeMatching({ installation, selector: planned }: Extract<Happening, { does: 'revoke_matching' }>): void {
    const selector = this.#selectorOf(installation, planned);
    if (selector === undefined) return;
    const label = labelStart(installation);
    const { settleMs } = this.#storesOf(installation).leases;
    const name = `match ${installation} ${this.#world.nowMs - this.#plan.startMs}`;
    const origin = { caller: parseCaller(ROLE), requestId: name };
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
    const origin = { caller: parseCaller(ROLE), requestId: `renew ${mint}` };
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

  #strangerLabel(username: string, look: Look): string {
    const keys = labelKeys('a');
    const leaseId = '0123456789ABCDEFGHJKMNPQRS';
    const target = this.#plan.targets.find((one) => one.username === username) as PlannedTarget;
    const account = target.organization ?? username;
    switch (look) {
      case 'plain':
        return 'laptop';
      case 'other_account':
        return writeLabel(keys, leaseId, `${account}-2`);
      case 'forged_mac':
        return `hl1:${installationId('a')}:${leaseId}:k1.AAAAAAAAAAAAAAAA`;
      case 'other_installation':
        return writeLabel({ ...keys, installation: 'zzzzzzzz' }, leaseId, account);
      case 'unknown_key':
        return writeLabel(labelKeys('a', 'k0'), leaseId, account);
      case 'longer':
        return `x${writeLabel(keys, leaseId, account)}`;
    }
  }

  #changePassword(happening: Extract<Happening, { does: 'password' }>): void {
    const { username, endsSessions, afterMs } = happening;
    const password = `${CANARY}-${username}-${this.#world.nowMs}`;
    this.#hub.changePassword(username, password, endsSessions);
    this.#passwords.set(username, password);
    for (const { name } of this.#plan.targets.filter((target) => target.username === username)) {
      for (const installation of this.#plan.installations) {
        this.#world.at(this.#world.nowMs + afterMs, () => this.#replaceCredential(installation, name, 1));
      }
    }
  }

  #replaceCredential(installation: InstallationName, name: string, attempt: number): void {
    const target = this.#plan.targets.find((one) => one.name === name) as PlannedTarget;
    const { organization } = target;
    const origin = { caller: parseCaller(ROLE), requestId: `put ${name}` };
    const actorName = `put ${installation} ${name} ${attempt} ${this.#world.nowMs}`;
    this.#persist(
      actorName,
      installation,
      attempt,
      `put ${name}`,
      (again) => this.#replaceCredential(installation, name, again),
      (ports) =>
        putTarget(ports, origin, {
          name,
          kind: organization === undefined ? 'user' : 'org',
          ...(organization !== undefined && { organization }),
          credential: this.#rightCredential(target),
          verify: true,
        }),
    );
  }

  /** One try: it is refused as long as leases of the old account are open, and an admin takes that for an answer. */
  #changeAccount(happening: Extract<Happening, { does: 'change_account' }>): void {
    const { installation, target: name, username } = happening;
    const { organization } = this.#plan.targets.find((one) => one.name === name) as PlannedTarget;
    const origin = { caller: parseCaller(ROLE), requestId: `change ${name}` };
    this.#persist(`change ${installation} ${name}`, installation, ADMIN_TRIES, `change ${name}`, nothing, (ports) =>
      putTarget(ports, origin, {
        name,
        kind: organization === undefined ? 'user' : 'org',
        ...(organization !== undefined && { organization }),
        credential: { username, password: firstPassword(username) },
        verify: true,
      }),
    );
  }

  /** An admin's call, tried again until it works. What is refused because its object is going is not tried again. */
  #persist(
    name: string,
    installation: InstallationName,
    attempt: number,
    what: string,
    again: (attempt: number) => void,
    call: (ports: AllPorts) => Promise<unknown>,
  ): void {
    let done = false;
    this.#act(name, installation, (ports) =>
      call(ports).then(
        () => {
          done = true;
        },
        (error: unknown) => {
          this.#watch.refused(error, what);
          const tag = error instanceof Failed ? error.failure.tag : '';
          this.#world.note(`${what} refused: ${tag}`);
          done = ['draining', 'target_not_found', 'secret_not_found'].includes(tag);
        },
      ),
    );
    this.#world.at(this.#world.nowMs + ADMIN_RETRY_MS, () => {
      if (!done && attempt < ADMIN_TRIES && !this.#demolished.has(installation)) again(attempt + 1);
    });
  }

  #rightCredential(target: PlannedTarget): Credential {
    const { username } = target;
    const password = this.#passwords.get(username) ?? firstPassword(username);
    const totpSecret = this.#plan.secondFactor.includes(username) ? { totpSecret: `${CANARY}-totp` } : {};
    return { username, password, ...totpSecret };
  }

  #rotate(happening: Extract<Happening, { does: 'rotation' }>): void {
    const { credentials } = this.#storesOf(happening.installation);
    const target = this.#plan.targets.find((one) => one.name === happening.target) as PlannedTarget;
    const wrong = { username: 'somebody-else', password: firstPassword('somebody-else') };
    const store = (credential: Credential) =>
      credentials.promote(target.name, credentials.stage(target.name, credential));
    const found = credentials.read(target.name)?.credential;
    if (found === undefined) return;
    const key = `${happening.installation} ${target.name}`;
    // What a rotation finds may be another's wrong one.
    if (found.username !== wrong.username) this.#beforeRotation.set(key, found);
    const before = this.#beforeRotation.get(key) ?? found;
    store(wrong);
    this.#world.at(this.#world.nowMs + happening.forMs, () => {
      // Unless an admin has put it right meanwhile.
      if (credentials.read(target.name)?.credential !== wrong) return;
      store({ ...before, password: this.#passwords.get(before.username) ?? before.password });
    });
  }

  #deleteTarget(installation: InstallationName, name: string, attempt = 1): void {
    const target = this.#plan.targets.find((one) => one.name === name) as PlannedTarget;
    const origin = { caller: parseCaller(ROLE), requestId: `delete ${name}` };
    const actorName = `delete ${installation} ${name} ${attempt}`;
    this.#persist(
      actorName,
      installation,
      attempt,
      `delete ${name}`,
      (again) => this.#deleteTarget(installation, name, again),
      async (ports) => {
        await deleteSecret(ports, origin, target.secret, { force: true }).catch((error: unknown) => {
          if (!(error instanceof Failed) || error.failure.tag !== 'secret_not_found') throw error;
        });
        await deleteTarget(ports, origin, name, { force: true });
      },
    );
  }
}

function nothing(): void {}

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
  return [
    'mint',
    'renew',
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

function furnish(stores: Stores, planned: PlannedTarget, secondFactor: boolean, nowMs: number): void {
  const { name, username, organization, secret, renewable, maxActive } = planned;
  const password = firstPassword(username);
  const credential = { username, password, ...(secondFactor && { totpSecret: `${CANARY}-totp` }) };
  stores.credentials.promote(name, stores.credentials.stage(name, credential));
  const row = {
    schema: 1,
    version: 1,
    opId: 'first',
    tags: {},
    status: 'ready',
    managedBy: 'api',
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  } as const;
  stores.catalog.putTarget({
    ...row,
    name,
    kind: organization === undefined ? 'user' : 'org',
    username,
    ...(organization !== undefined && { organization }),
    loginRoute: secondFactor ? 'users-login' : 'auth-token',
    expiryGranularity: 'second',
  });
  stores.catalog.putSecret({
    ...row,
    name: secret,
    target: name,
    ...(organization === undefined
      ? { scope: 'repo:write' as const }
      : { resources: [{ type: 'TYPE_REPO' as const, path: `${organization}/app`, scopes: ['scope-image-pull'] }] }),
    defaultTtlSeconds: 300,
    maxTtlSeconds: 3_600,
    renewable: renewable ?? false,
    ...(maxActive !== undefined && { maxActive }),
    allow: [ROLE],
    deleteProtection: false,
  });
}
