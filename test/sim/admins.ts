import { deleteSecret } from '../../functions/core/catalog/secrets.ts';
import type { TargetOrder } from '../../functions/core/catalog/target-order.ts';
import { deleteTarget, putTarget, verifyTarget } from '../../functions/core/catalog/targets.ts';
import { attestLease } from '../../functions/core/ending/attest.ts';
import { dismissTokens } from '../../functions/core/ending/dismiss.ts';
import { parseCaller } from '../../functions/core/model/caller.ts';
import { Failed, fail } from '../../functions/core/model/failure.ts';
import { STUCK_ATTEMPTS } from '../../functions/core/model/lease.ts';
import type { Credential } from '../../functions/core/model/target.ts';
import type { Scene } from './actor.ts';
import { CANARY } from './canary.ts';
import { ROLE, ROLE_SESSION_ID } from './furnish.ts';
import type { Happening, InstallationName, PlannedTarget } from './plan.ts';
import { firstPassword } from './ports/accounts.ts';
import type { SimHub } from './ports/hub.ts';
import { bearsMark } from './ports/tokens.ts';
import type { AllPorts, Stores } from './ports/wired.ts';
import { unitOf } from './prng.ts';

/** How long an admin waits at least before trying a refused change again, and how often. */
const ADMIN_RETRY_MS = 60_000;
const ADMIN_TRIES = 60;
/** A verification is tried less often: each makes a token. */
const VERIFY_TRIES = 4;
/** The last error of a lease that nothing can prove any more. */
const LOST: readonly string[] = ['target_not_found', 'credential_unavailable', 'list_lag_unknown'];
/** How long an admin leaves a password alone that Docker Hub refused. */
const REFUSED_PAUSE_MS = 660_000;
/** Refusals of a Docker Hub that keeps too little of a token. */
const TOO_LITTLE: readonly string[] = ['expiry_refused', 'label_refused'];
/** Refusals that an admin takes for an answer: these, and those of what is going. */
const ANSWERS: readonly string[] = [
  'draining',
  'target_not_found',
  'secret_not_found',
  'lease_not_found',
  'precondition_failed',
  ...TOO_LITTLE,
];
/** How soon after an alarm somebody looks. */
const LOOK_MS: readonly [number, number] = [30_000, 900_000];

/** What admins need of the history that they are in. */
export interface AdminScene extends Pick<Scene, 'world' | 'plan' | 'watch'> {
  readonly hub: SimHub;
  readonly storesOf: (installation: InstallationName) => Stores;
  readonly isDemolished: (installation: InstallationName) => boolean;
  /** Starts an actor. */
  readonly act: (name: string, installation: InstallationName, run: (ports: AllPorts) => Promise<void>) => void;
}

/** People who look after targets: by hublease's admin routes, and at Docker Hub's own pages. */
export class Admins {
  readonly #scene: AdminScene;
  readonly #passwords = new Map<string, string>();
  /** The last credential that was not a stranger’s, by installation and target. */
  readonly #beforeRotation = new Map<string, Credential>();

  /** Leases that somebody is about to look at. */
  readonly #onTheWay = new Set<string>();

  constructor(scene: AdminScene) {
    this.#scene = scene;
    scene.watch.alarmed = (event, installation) => {
      // The survey counts stuck leases at every look, so their alarm goes on.
      const isStuck = event.event === 'lease.revoke_delayed' && Number(event.detail?.attempts) >= STUCK_ATTEMPTS;
      if (isStuck || event.event === 'lease.blocked') this.#callFor(installation, event.leaseId as string);
    };
  }

  /** An alarm about a lease: after a while somebody comes. */
  #callFor(installation: InstallationName, leaseId: string): void {
    const { world, plan, isDemolished } = this.#scene;
    if (this.#onTheWay.has(leaseId)) return;
    this.#onTheWay.add(leaseId);
    const [least, most] = LOOK_MS;
    const lookMs = least + Math.floor(unitOf(plan.seed, `look at ${leaseId} ${world.nowMs}`) * (most - least));
    world.at(world.nowMs + lookMs, () => {
      this.#onTheWay.delete(leaseId);
      if (isDemolished(installation)) return;
      this.#unblock(installation, leaseId);
      this.#closeLost(installation, leaseId);
    });
  }

  /** As the runbook says: a lease that nothing can prove is attested once none of its tokens lives. */
  #closeLost(installation: InstallationName, leaseId: string): void {
    const lease = this.#scene.storesOf(installation).leases.get(leaseId);
    if (LOST.includes(lease?.lastError ?? '')) this.attest(installation, leaseId, `lease ${leaseId}`);
  }

  /**
   * As the runbook says: foreign tokens are dismissed. A token of hublease whose mark Docker Hub has changed is deleted by hand, at
   * Docker Hub's own page, unless a lease names it.
   */
  #unblock(installation: InstallationName, leaseId: string): void {
    const { hub, storesOf } = this.#scene;
    const lease = storesOf(installation).leases.get(leaseId);
    const blocking = (lease?.blockedBy ?? []).flatMap((tokenId) => hub.tokenOf(tokenId) ?? []);
    for (const token of blocking) {
      const { owner, tokenId } = token;
      // hublease must find a token with an intact mark by itself.
      if (owner === undefined || bearsMark(token)) continue;
      const isNamed = storesOf(owner.installation).leases.get(owner.leaseId)?.tokenId === tokenId;
      if (!isNamed) hub.humanDeletesToken(token);
    }
    const foreign = blocking.filter(({ owner }) => owner === undefined).map(({ tokenId }) => tokenId);
    if (lease !== undefined && foreign.length > 0) this.#dismiss(installation, lease.target, foreign, 1);
  }

  #dismiss(installation: InstallationName, name: string, tokenIds: readonly string[], attempt: number): void {
    const what = `dismiss ${name}`;
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: what };
    this.#persist(
      `dismiss ${installation} ${name} ${attempt} ${this.#scene.world.nowMs}`,
      installation,
      attempt,
      what,
      (again) => this.#dismiss(installation, name, tokenIds, again),
      (ports) => dismissTokens(ports, origin, name, tokenIds),
    );
  }

  changePassword(happening: Extract<Happening, { does: 'password' }>): void {
    const { username, endsSessions, afterMs } = happening;
    const password = `${CANARY}-${username}-${this.#scene.world.nowMs}`;
    this.#scene.hub.accounts.changePassword(username, password, endsSessions);
    this.#passwords.set(username, password);
    for (const { name } of this.#scene.plan.targets.filter((target) => target.username === username)) {
      for (const installation of this.#scene.plan.installations) {
        this.#scene.world.at(this.#scene.world.nowMs + afterMs, () => this.#replaceCredential(installation, name, 1));
      }
    }
  }

  #replaceCredential(installation: InstallationName, name: string, attempt: number): void {
    const target = this.#planned(name);
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: `put ${name}` };
    const actorName = `put ${installation} ${name} ${attempt} ${this.#scene.world.nowMs}`;
    this.#persist(
      actorName,
      installation,
      attempt,
      `put ${name}`,
      (again) => this.#replaceCredential(installation, name, again),
      (ports) =>
        putTarget(ports, origin, this.#orderOf(target)).catch((error: unknown) => {
          if (!(error instanceof Failed) || !TOO_LITTLE.includes(error.failure.tag)) throw error;
          // Open leases need the new password, whatever Docker Hub keeps of a token.
          return putTarget(ports, origin, { ...this.#orderOf(target), verify: false });
        }),
    );
  }

  #planned(name: string): PlannedTarget {
    return this.#scene.plan.targets.find((one) => one.name === name) as PlannedTarget;
  }

  /** The target as it is planned, to be proven with its right credential, or another. */
  #orderOf(target: PlannedTarget, credential = this.#rightCredential(target)): TargetOrder {
    const { name, organization } = target;
    return {
      name,
      kind: organization === undefined ? 'user' : 'org',
      ...(organization !== undefined && { organization }),
      credential,
      verify: true,
      // A target that another admin has deleted stays deleted.
      ifVersion: 'any',
    };
  }

  /** One try: it is refused as long as leases of the old account are open, and an admin takes that for an answer. */
  changeAccount(happening: Extract<Happening, { does: 'change_account' }>): void {
    const { installation, target: name, username } = happening;
    const order = this.#orderOf(this.#planned(name), { username, password: firstPassword(username) });
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: `change ${name}` };
    this.#persist(`change ${installation} ${name}`, installation, ADMIN_TRIES, `change ${name}`, nothing, (ports) =>
      putTarget(ports, origin, order),
    );
  }

  /** An admin verifies a target, by putting it with its credential or as it is. A refusal for what Docker Hub keeps ends it. */
  verify(happening: Extract<Happening, { does: 'verify' }>, attempt = 1): void {
    const { installation, target: name, by } = happening;
    const target = this.#planned(name);
    const what = `verify ${name}`;
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: what };
    this.#persist(
      `verify ${installation} ${name} ${attempt} ${this.#scene.world.nowMs}`,
      installation,
      attempt,
      what,
      (again) => {
        if (again <= VERIFY_TRIES) this.verify(happening, again);
      },
      (ports) => (by === 'put' ? putTarget(ports, origin, this.#orderOf(target)) : verifyTarget(ports, origin, name)),
    );
  }

  /** An admin who sees at Docker Hub's page that nothing of a lease lives, and that hublease cannot prove it. */
  attest(installation: InstallationName, leaseId: string, lease: string, attempt = 1): void {
    const { watch, world } = this.#scene;
    const what = `attest ${lease}`;
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: what };
    this.#persist(
      `${what} ${attempt} ${world.nowMs}`,
      installation,
      attempt,
      what,
      (again) => this.attest(installation, leaseId, lease, again),
      async (ports) => {
        // The admin cannot vouch for it yet, and comes back.
        if (watch.lease(leaseId).tokens.some((token) => token.lives())) {
          throw fail({ tag: 'attest_too_early', leaseId, allowedAtMs: world.nowMs + ADMIN_RETRY_MS });
        }
        watch.attestAsked(leaseId);
        await attestLease(ports, origin, leaseId, 'nothing of it is left on Docker Hub');
      },
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
    const { act, world, watch, isDemolished } = this.#scene;
    let done = false;
    let notBeforeMs = 0;
    act(name, installation, (ports) =>
      call(ports).then(
        () => {
          done = true;
        },
        (error: unknown) => {
          watch.refused(error, what);
          const tag = error instanceof Failed ? error.failure.tag : '';
          world.note(`${what} refused: ${tag}`);
          done = ANSWERS.includes(tag);
          if (tag === 'credential_refused') notBeforeMs = world.nowMs + this.#afterRefusalMs(attempt);
        },
      ),
    );
    const tryAgain = () => {
      if (done || attempt >= ADMIN_TRIES || isDemolished(installation)) return;
      if (world.nowMs < notBeforeMs) world.at(notBeforeMs, tryAgain);
      else again(attempt + 1);
    };
    // Two people who try in the same second would use up a small account's requests between them, each time.
    const jitterMs = Math.floor(ADMIN_RETRY_MS * unitOf(this.#scene.plan.seed, `${name} ${attempt}`));
    world.at(world.nowMs + ADMIN_RETRY_MS + jitterMs, tryAgain);
  }

  /** A refused password is left alone. Where a code may have been spent, every other try comes soon. */
  #afterRefusalMs(attempt: number): number {
    return this.#scene.plan.secondFactor.length > 0 && attempt % 2 === 1 ? 0 : REFUSED_PAUSE_MS;
  }

  #rightCredential(target: PlannedTarget): Credential {
    const { username } = target;
    const password = this.#passwords.get(username) ?? firstPassword(username);
    const totpSecret = this.#scene.plan.secondFactor.includes(username) ? { totpSecret: `${CANARY}-totp` } : {};
    return { username, password, ...totpSecret };
  }

  rotate(happening: Extract<Happening, { does: 'rotation' }>): void {
    const { credentials } = this.#scene.storesOf(happening.installation);
    const target = this.#scene.plan.targets.find((one) => one.name === happening.target) as PlannedTarget;
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
    this.#scene.world.at(this.#scene.world.nowMs + happening.forMs, () => {
      // Unless an admin has put it right meanwhile.
      if (credentials.read(target.name)?.credential !== wrong) return;
      store({ ...before, password: this.#passwords.get(before.username) ?? before.password });
    });
  }

  deleteTarget(installation: InstallationName, name: string, attempt = 1): void {
    const target = this.#scene.plan.targets.find((one) => one.name === name) as PlannedTarget;
    const origin = { caller: parseCaller(ROLE, ROLE_SESSION_ID), requestId: `delete ${name}` };
    const actorName = `delete ${installation} ${name} ${attempt}`;
    this.#persist(
      actorName,
      installation,
      attempt,
      `delete ${name}`,
      (again) => this.deleteTarget(installation, name, again),
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
