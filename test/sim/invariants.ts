import { createHash } from 'node:crypto';
import type { Minted } from '../../functions/core/leases/mint.ts';
import type { AuditEvent } from '../../functions/core/model/audit-event.ts';
import { Failed } from '../../functions/core/model/failure.ts';
import { isOpen, type Lease, type RevokedLease } from '../../functions/core/model/lease.ts';
import type { Actor } from './actor.ts';
import { HOST_SKEW_MS } from './bounds.ts';
import { leaks } from './canary.ts';
import { LoginWatch } from './login-watch.ts';
import type { InstallationName, Plan } from './plan.ts';
import { bearsMark, type SimToken } from './ports/tokens.ts';
import { isKnownStep } from './steps.ts';
import type { World } from './world.ts';

/** How late a token may be dead after its lease's end when nothing fails. */
const PROMISED_MS = 120_000;
/** How long before its actor's start a token may have died for which a lease is taken up again. */
const REOPENING_MS = 60_000;
/** One more try of a login comes within this, with a second factor or without. */
const LOGIN_AGAIN_MS = 65_000;
/** Docker Hub's own end of a token, by a clock that need not be ours. */
const HUB_SKEW_MS = 10_000;
/** Longer than an undisturbed mint takes from its lease's time of issue to its last write. */
const MAX_MINTING_MS = 15_000;

export type InvariantName =
  | 'alive_too_long'
  | 'alive_at_the_end'
  | 'foreign_touched'
  | 'revoked_while_alive'
  | 'born_after_revoked'
  | 'unrecorded_token'
  | 'answered_unrecorded'
  | 'answered_without_backstop'
  | 'answered_unaudited'
  | 'answered_twice'
  | 'answered_dead'
  | 'reopened_for_nothing'
  | 'revoked_early'
  | 'not_terminal'
  | 'evidence_missing'
  | 'secret_leaked'
  | 'untyped_failure'
  | 'mint_lost_for_nothing'
  | 'too_many_refused_logins'
  | 'edge_stormed'
  | 'looks_stormed'
  | 'two_live_for_one_key'
  | 'quota_exceeded'
  | 'counter_wrong'
  | 'revoke_yielded'
  | 'match_missed'
  | 'unknown_step'
  | 'not_removed';

export interface Violation {
  readonly invariant: InvariantName;
  /** When, after the history's start. */
  readonly atMs: number;
  readonly detail: string;
}

/** What is known of one lease besides its row. */
interface Watched {
  readonly name: string;
  readonly tokens: SimToken[];
  row?: Lease;
  asked: boolean;
  /** A table restore took its row back; what it says of the time between is lost. */
  restored: boolean;
  answeredAtMs?: number;
  armed: boolean;
  /** The audit log has its `lease.granted`. */
  audited: boolean;
  /** An admin vouched for it. */
  attested: boolean;
  /** How often it was taken up again. */
  reopened: number;
  /** The caller's Idempotency-Key that it was minted under. */
  key?: string;
}

/** Sees everything that happens, knows what no part of hublease can know, and says when a promise is broken. */
export class Watch {
  readonly violations: Violation[] = [];
  readonly logins: LoginWatch;
  /** Who is called when something alarms: admins. */
  alarmed: (event: AuditEvent, installation: InstallationName) => void = () => undefined;
  /** How often each kind of thing came about: a run that never gets somewhere proves nothing of it. */
  readonly reached = new Map<string, number>();
  readonly #world: World;
  readonly #plan: Plan;
  readonly #leases = new Map<string, Watched>();
  readonly #demolished = new Set<InstallationName>();
  readonly #throttledUntilMs = new Map<InstallationName, number>();
  readonly #strict: boolean;
  /** Who is at work on which lease. */
  readonly #atWork = new Map<string, Set<Actor>>();
  readonly #sweepingAsks: { readonly covers: (row: Lease) => boolean; endedAtMs: number }[] = [];

  /** @param strict nothing fails in this history, so that the promise of normal running holds. */
  constructor(world: World, plan: Plan, strict: boolean) {
    this.#world = world;
    this.#plan = plan;
    this.#strict = strict;
    this.logins = new LoginWatch(world, plan, (invariant, detail) => this.#say(invariant, detail));
  }

  #say(invariant: InvariantName, detail: string): void {
    const atMs = this.#world.nowMs - this.#plan.startMs;
    this.#world.note(`VIOLATION ${invariant}: ${detail}`);
    this.violations.push({ invariant, atMs, detail });
  }

  reach(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  /** A call of a port; one that the table of steps lacks would never be counted. */
  step(step: string): void {
    if (!isKnownStep(step)) this.#say('unknown_step', step);
  }

  lease(leaseId: string): Watched {
    let watched = this.#leases.get(leaseId);
    if (watched === undefined) {
      watched = {
        name: leaseId,
        tokens: [],
        asked: false,
        restored: false,
        armed: false,
        audited: false,
        attested: false,
        reopened: 0,
      };
      this.#leases.set(leaseId, watched);
    }
    return watched;
  }

  /** An actor looks at a lease, and is at work on it until it ends. */
  tookUp(leaseId: string, actor: Actor): void {
    const workers = this.#atWork.get(leaseId);
    if (workers === undefined) this.#atWork.set(leaseId, new Set([actor]));
    else workers.add(actor);
  }

  left(actor: Actor): void {
    for (const workers of this.#atWork.values()) workers.delete(actor);
  }

  /** An actor's write of a lease came through while others were at work on it: it won those races. */
  wrote(row: Lease, actor: Actor): void {
    const leaseId = row.id;
    this.tookUp(leaseId, actor);
    if (row.status === 'revoking' && row.revokeReason === 'reopened') this.#reopened(row, actor);
    for (const other of this.#atWork.get(leaseId) ?? []) {
      if (other !== actor) this.reach(`race ${actor.kind} before ${other.kind}`);
    }
  }

  /** A revoked lease is taken up again only for a token that lived when its actor looked. */
  #reopened({ id, reopened = 0 }: Lease, { startedAtMs, name }: Actor): void {
    const watched = this.lease(id);
    if (reopened <= watched.reopened) return;
    watched.reopened = reopened;
    const sinceMs = startedAtMs - REOPENING_MS;
    if (watched.tokens.some((token) => (token.diedAtMs() ?? Number.POSITIVE_INFINITY) >= sinceMs)) return;
    this.#say('reopened_for_nothing', `${name} took ${id} up again though nothing of it lives`);
  }

  /**
   * Somebody with the right to wants all leases gone that `covers` names, from now on until the returned function is called
   * with whether every one of them should have been reached.
   */
  matchingAsked(covers: (row: Lease) => boolean, settleMs: number): (complete: boolean) => void {
    const ask = { covers, endedAtMs: Number.POSITIVE_INFINITY };
    this.#sweepingAsks.push(ask);
    const { nowMs } = this.#world;
    return (complete) => {
      ask.endedAtMs = this.#world.nowMs;
      if (!complete) return;
      for (const { row, restored } of this.#leases.values()) {
        if (row === undefined || restored || row.status !== 'active' || !covers(row)) continue;
        if (row.issuedAtMs + settleMs + MAX_MINTING_MS < nowMs) {
          this.#say('match_missed', `${row.id} is active after all that match it were revoked`);
        }
      }
    };
  }

  /** Whether somebody with the right to wanted a lease gone. */
  isAsked({ asked, row }: Watched): boolean {
    if (asked || row === undefined) return asked;
    return this.#sweepingAsks.some((ask) => row.issuedAtMs <= ask.endedAtMs + HOST_SKEW_MS && ask.covers(row));
  }

  /** A row was written, by whomever. */
  rowWritten(row: Lease): void {
    this.scan(row, `the row of ${row.id}`);
    const watched = this.lease(row.id);
    watched.row = row;
    if (row.version === 1 && row.status === 'minting') this.#countUnder(row);
    if (isOpen(row)) return;
    const { evidence, ttlAtMs }: Partial<RevokedLease> = row;
    if (evidence === undefined || ttlAtMs === undefined) this.#say('evidence_missing', row.id);
    if (evidence?.kind === 'attested' && !watched.attested) {
      this.#say('evidence_missing', `${row.id} reads attested, and nobody has`);
    }
    for (const token of watched.tokens) {
      if (token.duplicate || watched.restored || !token.lives()) continue;
      const kind = evidence?.kind ?? 'none';
      this.#say('revoked_while_alive', `${row.id} reads revoked (${kind}) while ${token.tokenId} lives`);
    }
  }

  /** A new lease fits under every quota that it was counted for. */
  #countUnder(row: Lease): void {
    for (const counter of row.counters ?? []) {
      const most = this.#plan.targets.find(({ secret }) => counter === `secret:${secret}`)?.maxActive;
      if (most === undefined) continue;
      const holders = [...this.#leases.values()].filter((one) => one.row !== undefined && holds(one.row, counter, row));
      // What came back by a restore or was reopened is there whatever the limit.
      if (holders.some((one) => one.restored || (one.row?.reopened ?? 0) > 0)) continue;
      if (holders.length > most) {
        this.#say('quota_exceeded', `${holders.length} open leases hold ${counter}, which allows ${most}`);
      }
    }
  }

  /** A counter in force differs from what it counts, and nothing corrects it. */
  counterWrong(what: string): void {
    this.#say('counter_wrong', what);
  }

  /** A lease was asked for under a key that other requests share: each may end what the others got. */
  keyed(leaseId: string, key: string): void {
    const watched = this.lease(leaseId);
    watched.key = key;
    watched.asked = true;
  }

  /** Somebody with the right to wants the lease gone before its time. */
  revokeAsked(leaseId: string): void {
    this.lease(leaseId).asked = true;
  }

  /** An admin vouches that nothing of a lease lives. */
  attestAsked(leaseId: string): void {
    this.lease(leaseId).attested = true;
  }

  /** An older state of the table came back; `rows` is all of it. */
  restored(changed: readonly string[], rows: ReadonlyMap<string, Lease>): void {
    for (const leaseId of changed) {
      const watched = this.lease(leaseId);
      watched.restored = true;
      const row = rows.get(leaseId);
      if (row === undefined) delete watched.row;
      else watched.row = row;
    }
  }

  demolished(installation: InstallationName): void {
    this.#demolished.add(installation);
  }

  armed(leaseId: string): void {
    this.lease(leaseId).armed = true;
  }

  /** A token of ours came to life on Docker Hub. */
  tokenBorn(token: SimToken, leaseId: string): void {
    const watched = this.lease(leaseId);
    watched.tokens.push(token);
    if (watched.row === undefined && !watched.restored) {
      this.#say('unrecorded_token', `${token.tokenId} of ${leaseId} has no row`);
    }
    if (watched.row !== undefined && !isOpen(watched.row) && !watched.restored && !token.duplicate) {
      this.#say('born_after_revoked', `${token.tokenId} of ${leaseId} came to life after its lease was revoked`);
    }
    const row = watched.row;
    if (row === undefined) return;
    // Docker Hub ends a token by itself even if everything of ours is gone: when it was asked to, or at the expiry that it keeps.
    const isAltered = this.#plan.habits?.expiry !== undefined;
    const hubEndMs = isAltered ? token.expiresAtMs : row.hubExpiresAtMs;
    if (this.#plan.hubExpires && hubEndMs !== null) {
      // The history waits for it only where nobody else may end the token, and not for a day.
      const isLast = !isAltered && this.#plan.happenings.some(({ does }) => does === 'demolish');
      this.#world.at(hubEndMs + HUB_SKEW_MS, () => this.#mustBeDead(token, leaseId, 'hubExpiresAt'), !isLast);
    }
    if (this.#strict && !token.duplicate) this.#expectEnd(token, leaseId);
  }

  /** Looks again later when the lease was renewed meanwhile. */
  #expectEnd(token: SimToken, leaseId: string): void {
    const endMs = (this.lease(leaseId).row?.expiresAtMs ?? 0) + this.#promisedMs();
    if (this.#world.nowMs >= endMs) this.#mustBeDead(token, leaseId, 'what was promised of its end');
    else this.#world.at(endMs, () => this.#expectEnd(token, leaseId));
  }

  /** 120 s, what Docker Hub takes for a delete that it has accepted, and one more try of a login that it should have taken. */
  #promisedMs(): number {
    const { habits = {}, happenings } = this.#plan;
    const isTried = happenings.some(({ does }) => does === 'trouble_logins');
    return PROMISED_MS + (habits.deletes?.takesMs ?? 0) + (isTried ? LOGIN_AGAIN_MS : 0);
  }

  #mustBeDead(token: SimToken, leaseId: string, bound: string): void {
    if (token.lives()) this.#say('alive_too_long', `${token.tokenId} of ${leaseId} lives past ${bound}`);
  }

  /** One of our installations deletes a token. */
  tokenDeleted(token: SimToken, by: InstallationName): void {
    const { owner } = token;
    if (owner === undefined || owner.installation !== by) {
      this.#say('foreign_touched', `${by} deleted ${token.tokenId}, labelled ${token.label}`);
      return;
    }
    const watched = this.lease(owner.leaseId);
    if (watched.answeredAtMs === undefined || watched.row === undefined || token.duplicate) return;
    if (this.#world.nowMs >= watched.row.expiresAtMs - HOST_SKEW_MS) return;
    if (this.isAsked(watched) || watched.restored) return;
    this.#say('revoked_early', `${token.tokenId} of ${owner.leaseId} was deleted before its time`);
  }

  /** A caller holds a token. */
  answered(minted: Minted, token: SimToken | undefined): void {
    const { lease, credential } = minted;
    const watched = this.lease(lease.id);
    if (watched.answeredAtMs !== undefined) this.#say('answered_twice', lease.id);
    for (const [leaseId, other] of this.#leases) {
      if (watched.key === undefined || other.key !== watched.key || other === watched || other.restored) continue;
      // Nobody was ever answered a token behind a create that Docker Hub refused in its own words, though it may have made one. The
      // sweep ends that token. A caller who asks again under the key does not wait for it: only answered tokens must not be two.
      if (other.row?.createRefused === true && other.answeredAtMs === undefined) continue;
      if (token?.lives() && other.tokens.some((one) => one.lives() && !one.duplicate)) {
        this.#say('two_live_for_one_key', `${lease.id} was answered while a token of ${leaseId} lives`);
      }
    }
    watched.answeredAtMs = this.#world.nowMs;
    this.scan(lease, `the answered lease ${lease.id}`);
    if (!watched.armed) this.#say('answered_without_backstop', lease.id);
    if (!watched.audited) this.#say('answered_unaudited', lease.id);
    const given = 'password' in credential ? credential.password : undefined;
    const sha256 = given === undefined ? lease.tokenSha256 : createHash('sha256').update(given).digest('hex');
    // Docker Hub ends the token by its own clock, which may be ahead.
    const endMs = lease.expiresAtMs - HUB_SKEW_MS - HOST_SKEW_MS;
    const over = this.#world.nowMs >= endMs || this.isAsked(watched) || watched.restored;
    const { row } = watched;
    const recorded = row !== undefined && row.tokenId === lease.tokenId && row.tokenSha256 === sha256;
    // Found again by a sweep for another token of it, made by the same create, the row of what is long over names that one.
    const isAnother = over && row?.status === 'revoked';
    if (!watched.restored && ((!recorded && !isAnother) || (row?.status !== 'active' && !over))) {
      this.#say('answered_unrecorded', `${lease.id}: its row is ${row?.status} and names ${row?.tokenId}`);
    }
    if (token === undefined || (!token.lives() && !over && !token.touchedByHuman)) {
      this.#say('answered_dead', `${lease.id}: ${lease.tokenId} is dead already`);
    }
  }

  /** A core call on behalf of a caller rejected. */
  refused(error: unknown, where: string): void {
    if (!(error instanceof Failed)) {
      this.#say('untyped_failure', `${where} rejected with something else than a Failed`);
      return;
    }
    this.scan(error.failure, `the failure of ${where}`);
    if (leaks(error.message)) this.#say('secret_leaked', `the message of ${where}`);
  }

  /** A mint none of whose calls failed was refused after its token was made. */
  mintLost(where: string, tag: string): void {
    this.#say('mint_lost_for_nothing', `${where} ended in ${tag} though every call of it succeeded`);
  }

  /** Docker Hub told somebody of an installation to wait. */
  throttled(installation: InstallationName, untilMs: number): void {
    this.#throttledUntilMs.set(installation, Math.max(untilMs, this.#throttledUntilMs.get(installation) ?? 0));
  }

  audited(event: AuditEvent, by: Actor): void {
    // What it decided while it had to wait it may say much later, when it froze in between.
    const isThrottled =
      by.throttled || (this.#throttledUntilMs.get(by.installation) ?? 0) + 2 * HOST_SKEW_MS >= by.startedAtMs;
    if (event.event === 'lease.revoke_delayed' && event.code === 'hub_throttled' && !isThrottled) {
      this.#say('revoke_yielded', `${by.name} put a revocation off though Docker Hub did not ask for it`);
    }
    if (event.event === 'lease.granted') this.lease(event.leaseId as string).audited = true;
    this.alarmed(event, by.installation);
    const told = event.detail?.evidence ?? event.code;
    this.reach(told === undefined ? event.event : `${event.event} ${told}`);
    this.scan(event, `the audit event ${event.event}`);
  }

  /** Texts that come out of hublease hold no secret. */
  scan(value: unknown, what: string): void {
    if (leaks(JSON.stringify(value))) this.#say('secret_leaked', what);
  }

  /** A target or secret whose deletion was accepted is still there, or left something behind. */
  notRemoved(what: string): void {
    this.#say('not_removed', what);
  }

  /** Whether all that is still open are leases of refused creates, whose own time is yet to come. */
  waitsForItsOwnTime(): boolean {
    const open = this.#installed().filter(({ row }) => row !== undefined && isOpen(row));
    return open.length > 0 && open.every(({ row }) => row?.createRefused === true);
  }

  /** All leases but those of an installation that is gone. */
  #installed(): Watched[] {
    return [...this.#leases.values()].filter((watched) => {
      const installation = installationOf(watched);
      return installation === undefined || !this.#demolished.has(installation);
    });
  }

  /** Whether nothing is left to settle. */
  settled(): boolean {
    for (const watched of this.#installed()) {
      if (watched.row !== undefined && isOpen(watched.row)) return false;
      if (watched.tokens.some((token) => token.lives() && !isUnknowable(watched, token))) return false;
    }
    return true;
  }

  /** Faults stopped long ago: what is still open now would stay open for ever. */
  end(): void {
    for (const watched of this.#installed()) {
      const { name: leaseId } = watched;
      if (watched.row !== undefined && isOpen(watched.row)) {
        this.#say('not_terminal', `${leaseId} is still ${watched.row.status} (${watched.row.lastError ?? 'no error'})`);
      }
      for (const token of watched.tokens) {
        if (token.lives() && !isUnknowable(watched, token)) {
          this.#say('alive_at_the_end', `${token.tokenId} of ${leaseId}`);
        }
      }
    }
  }
}

/**
 * Whether nothing can tell that a token is of its lease: its mark has changed, nobody was ever given it, and the lease's row is lost
 * or names the other of two tokens of one create.
 */
function isUnknowable({ restored, answeredAtMs }: Watched, token: SimToken): boolean {
  return !bearsMark(token) && answeredAtMs === undefined && (restored || token.duplicate);
}

/** Whether an open lease of the same installation as `like` counts there. */
function holds(row: Lease, counter: string, like: Lease): boolean {
  if (!isOpen(row) || row.hubLabel[4] !== like.hubLabel[4]) return false;
  // A refused create holds no place, so that it keeps nobody else out.
  return row.createRefused !== true && row.counters?.includes(counter) === true;
}

function installationOf(watched: Watched): InstallationName | undefined {
  const label = watched.row?.hubLabel ?? watched.tokens[0]?.label;
  return label === undefined ? undefined : (label[4] as InstallationName);
}
