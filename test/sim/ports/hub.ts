import type {
  HubMeta,
  HubProblem,
  HubReply,
  HubSession,
  HubToken,
  HubTokenPage,
  HubWindow,
  TokenOrder,
  TokenPlace,
} from '../../../functions/core/ports.ts';
import type { Credential, LoginRoute } from '../../../functions/core/target.ts';
import { CANARY } from '../canary.ts';
import type { Watch } from '../invariants.ts';
import type { InstallationName, Plan } from '../plan.ts';
import { unitOf } from '../prng.ts';
import type { World } from '../world.ts';

/** Docker Hub's JWT lives 10 minutes. */
const SESSION_MS = 600_000;
/** Refusals within a window that lock a user name, and for how long. Docker publishes neither; 10 to 15 minutes were seen. */
const LOCK_AFTER = 5;
const LOCK_WINDOW_MS = 600_000;
const LOCK_MS = 780_000;
const TOTP_STEP_MS = 30_000;
const MINUTE_MS = 60_000;

export interface SimToken {
  readonly tokenId: string;
  label: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly value: string;
  readonly username: string;
  /** Undefined for what a human made. */
  readonly owner: { readonly installation: InstallationName; readonly leaseId: string } | undefined;
  readonly duplicate: boolean;
  /** When lists begin to show it, and cease to. */
  readonly listedFromMs: number;
  deletedAtMs?: number;
  touchedByHuman: boolean;
  lives(): boolean;
}

interface Account {
  readonly username: string;
  password: string;
  readonly secondFactor: boolean;
  lastStep: number;
  lastStepBy: InstallationName | undefined;
  refusals: number[];
  lockedUntilMs: number;
  /** Sessions opened before this are over. */
  sessionsFromMs: number;
  /** Which minute its requests are counted in, and how many they were. */
  minute: number;
  requests: number;
}

/** Docker Hub: accounts, sessions and tokens, with the habits that make it hard to live with. Every method takes effect at once. */
export class SimHub {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #watch: Watch;
  readonly #accounts = new Map<string, Account>();
  /** By the user names of their owners. */
  readonly #organizations = new Map<string, string>();
  readonly #tokens = new Map<string, SimToken[]>();
  readonly #sessions = new Map<
    string,
    { readonly username: string; readonly openedAtMs: number; readonly expiresAtMs: number }
  >();
  #made = 0;

  constructor(world: World, plan: Plan, watch: Watch) {
    this.#world = world;
    this.#plan = plan;
    this.#watch = watch;
    for (const { username, organization } of plan.targets) {
      this.#add(username, plan.secondFactor.includes(username));
      this.#add(`${username}-2`, false);
      if (organization === undefined) continue;
      // The second owner, too, may manage the organization's tokens.
      this.#organizations.set(username, organization);
      this.#organizations.set(`${username}-2`, organization);
    }
    this.#add('somebody-else', false);
  }

  #add(username: string, secondFactor: boolean): void {
    this.#accounts.set(username, {
      username,
      password: firstPassword(username),
      secondFactor,
      lastStep: 0,
      lastStepBy: undefined,
      refusals: [],
      lockedUntilMs: 0,
      sessionsFromMs: 0,
      minute: 0,
      requests: 0,
    });
  }

  get #nowMs(): number {
    return this.#world.nowMs + this.#plan.hubSkewMs;
  }

  get #meta(): HubMeta {
    return { hubDateMs: this.#nowMs };
  }

  #no(
    problem: HubProblem,
    session?: HubSession,
  ): { readonly ok: false; readonly problem: HubProblem; readonly meta: HubMeta } {
    return { ok: false, problem, meta: this.#metaOf(session) };
  }

  /** Where requests are counted, each answer says how many are left. */
  #metaOf(session: HubSession | undefined): HubMeta {
    const { requestsPerMinute: most } = this.#plan;
    const account = session === undefined ? undefined : this.#accountOf(session);
    if (most === undefined || account === undefined) return this.#meta;
    const rateRemaining = Math.max(0, most - account.requests);
    return { ...this.#meta, rateRemaining, rateResetAtMs: (account.minute + 1) * MINUTE_MS };
  }

  #accountOf(session: HubSession): Account | undefined {
    const known = this.#sessions.get(session.bearer);
    return known === undefined ? undefined : this.#accounts.get(known.username);
  }

  login(by: InstallationName, credential: Credential, route: LoginRoute, codeAtMs: number): HubReply<HubSession> {
    const account = this.#accounts.get(credential.username);
    const { nowMs } = this.#world;
    if (account === undefined) return this.#no({ tag: 'credential_refused' });
    if (account.lockedUntilMs > nowMs) return this.#no({ tag: 'throttled', retryAtMs: account.lockedUntilMs });
    const refused = (problem: HubProblem) => {
      this.#watch.loginRefused(by, credential.username, credential.password);
      this.#refuse(account);
      return this.#no(problem);
    };
    if (account.password !== credential.password) return refused({ tag: 'credential_refused' });
    if (account.secondFactor) {
      if (route !== 'users-login' || credential.totpSecret === undefined)
        return refused({ tag: 'second_factor_needed' });
      const step = Math.floor(codeAtMs / TOTP_STEP_MS);
      // A code is good within a step of now, and once. Source: RFC 6238 section 5.2.
      if (step <= account.lastStep) {
        // Two installations of one account cannot know of each other's codes.
        if (account.lastStepBy !== by) this.#watch.excuse(by);
        return refused({ tag: 'credential_refused' });
      }
      if (Math.abs(step - Math.floor(nowMs / TOTP_STEP_MS)) > 1) {
        return refused({ tag: 'credential_refused' });
      }
      account.lastStep = step;
      account.lastStepBy = by;
    }
    account.refusals = [];
    this.#made += 1;
    const bearer = `${CANARY}-jwt-${account.username}-${this.#made}`;
    const expiresAtMs = nowMs + SESSION_MS;
    this.#sessions.set(bearer, { username: account.username, openedAtMs: nowMs, expiresAtMs });
    return { ok: true, value: { account: account.username, bearer, expiresAtMs }, meta: this.#meta };
  }

  #refuse(account: Account): void {
    const { nowMs } = this.#world;
    account.refusals = account.refusals.filter((atMs) => atMs > nowMs - LOCK_WINDOW_MS);
    account.refusals.push(nowMs);
    if (account.refusals.length >= LOCK_AFTER) account.lockedUntilMs = nowMs + LOCK_MS;
  }

  /** The tokens that a session may see at a place, or why it may not. */
  #reach(session: HubSession, place: TokenPlace): SimToken[] | HubProblem {
    const known = this.#sessions.get(session.bearer);
    const account = this.#accountOf(session);
    if (known === undefined || account === undefined || known.expiresAtMs <= this.#world.nowMs)
      return { tag: 'session_refused' };
    if (known.openedAtMs < account.sessionsFromMs) return { tag: 'session_refused' };
    const spent = this.#spend(account);
    if (spent !== undefined) return spent;
    if (place.kind === 'pat') return this.#at(known.username);
    if (this.#organizations.get(known.username) !== place.organization) return { tag: 'forbidden' };
    return this.#at(place.organization);
  }

  /** Counts a request of an account; the problem when it was one too many. */
  #spend(account: Account): HubProblem | undefined {
    const minute = Math.floor(this.#world.nowMs / MINUTE_MS);
    if (account.minute !== minute) Object.assign(account, { minute, requests: 0 });
    account.requests += 1;
    const { requestsPerMinute: most } = this.#plan;
    if (most === undefined || account.requests <= most) return undefined;
    return { tag: 'throttled', retryAtMs: (minute + 1) * MINUTE_MS };
  }

  #at(username: string): SimToken[] {
    const tokens = this.#tokens.get(username) ?? [];
    this.#tokens.set(username, tokens);
    return tokens;
  }

  listTokens(session: HubSession, place: TokenPlace, window: HubWindow): HubReply<HubTokenPage> {
    const reach = this.#reach(session, place);
    if (!Array.isArray(reach)) return this.#no(reach, session);
    const pageSize = Math.min(window.pageSize, this.#plan.pageSize);
    const shown = reach.filter((token) => this.#isListed(token));
    if ((this.#plan.listOrder ?? 'newest_first') === 'newest_first') shown.reverse();
    const end = window.page * pageSize;
    const tokens = shown.slice(end - pageSize, end).map((token) => this.#view(token));
    return { ok: true, value: { tokens, total: shown.length, more: end < shown.length }, meta: this.#metaOf(session) };
  }

  #isListed(token: SimToken): boolean {
    const { nowMs } = this.#world;
    if (nowMs < token.listedFromMs) return false;
    if (token.deletedAtMs !== undefined) return nowMs < token.deletedAtMs + this.#lagMs(token.tokenId, 'gone');
    return this.#plan.listsExpired || token.lives();
  }

  #lagMs(tokenId: string, what: string): number {
    const { listLagMs, seed } = this.#plan;
    return listLagMs === 0 ? 0 : Math.floor(unitOf(seed, `${tokenId} ${what}`) * listLagMs);
  }

  #view(token: SimToken): HubToken {
    const { tokenId, label, createdAtMs, expiresAtMs } = token;
    // Used all the time, and told by the minute.
    const lastMinuteMs = this.#nowMs - (this.#nowMs % MINUTE_MS);
    const lastUsedAtMs = lastMinuteMs > createdAtMs ? lastMinuteMs : null;
    return { tokenId, label, createdAtMs, isActive: true, expiresAtMs, lastUsedAtMs };
  }

  getToken(session: HubSession, place: TokenPlace, tokenId: string): HubReply<HubToken> {
    const reach = this.#reach(session, place);
    if (!Array.isArray(reach)) return this.#no(reach, session);
    const token = reach.find((one) => one.tokenId === tokenId && one.deletedAtMs === undefined);
    if (token === undefined || (!token.lives() && !this.#plan.listsExpired))
      return this.#no({ tag: 'not_found' }, session);
    return { ok: true, value: this.#view(token), meta: this.#metaOf(session) };
  }

  deleteToken(
    by: InstallationName,
    session: HubSession,
    place: TokenPlace,
    tokenId: string,
  ): HubReply<{ readonly httpStatus: number }> {
    const reach = this.#reach(session, place);
    if (!Array.isArray(reach)) return this.#no(reach, session);
    const token = reach.find((one) => one.tokenId === tokenId && one.deletedAtMs === undefined);
    if (token === undefined) return this.#no({ tag: 'not_found' }, session);
    this.#watch.tokenDeleted(token, by);
    token.deletedAtMs = this.#world.nowMs;
    return { ok: true, value: { httpStatus: 204 }, meta: this.#metaOf(session) };
  }

  createToken(
    by: InstallationName,
    session: HubSession,
    place: TokenPlace,
    order: TokenOrder,
    duplicate: boolean,
  ): HubReply<{ readonly tokenId: string; readonly token: string }> {
    const reach = this.#reach(session, place);
    if (!Array.isArray(reach)) return this.#no(reach, session);
    if (order.expiresAtMs !== null && order.expiresAtMs <= this.#nowMs) {
      return this.#no({ tag: 'invalid', fields: ['expires_at'] }, session);
    }
    const leaseId = order.label.split(':')[2] as string;
    const token = this.#make(
      reach,
      session.account,
      order.label,
      order.expiresAtMs,
      { installation: by, leaseId },
      duplicate,
    );
    this.#watch.tokenBorn(token, leaseId);
    return { ok: true, value: { tokenId: token.tokenId, token: token.value }, meta: this.#metaOf(session) };
  }

  #make(
    among: SimToken[],
    username: string,
    label: string,
    expiresAtMs: number | null,
    owner: SimToken['owner'],
    duplicate: boolean,
  ): SimToken {
    this.#made += 1;
    const tokenId = `t${this.#made}`;
    const endsMs = this.#plan.hubExpires && expiresAtMs !== null ? expiresAtMs : Number.POSITIVE_INFINITY;
    const token: SimToken = {
      tokenId,
      label,
      createdAtMs: this.#nowMs,
      expiresAtMs,
      value: `dckr_pat_${CANARY}-${tokenId}`,
      username,
      owner,
      duplicate,
      listedFromMs: this.#world.nowMs + this.#lagMs(tokenId, 'new'),
      touchedByHuman: false,
      lives: () => token.deletedAtMs === undefined && this.#nowMs < endsMs,
    };
    among.push(token);
    return token;
  }

  /** Docker Hub's clock. Where it does not end tokens, it gives no date: that proof is then none. */
  readDate(): HubReply<null> {
    return { ok: true, value: null, meta: this.#plan.hubExpires ? this.#meta : {} };
  }

  tokenOf(tokenId: string | undefined): SimToken | undefined {
    for (const tokens of this.#tokens.values()) {
      const token = tokens.find((one) => one.tokenId === tokenId);
      if (token !== undefined) return token;
    }
    return undefined;
  }

  /** What a human who logs in as `username` looks after: the organization's tokens, where there is one. */
  #kept(username: string): SimToken[] {
    return this.#at(this.#organizations.get(username) ?? username);
  }

  /** A human at the account's own page. */
  humanCreates(username: string, label: string): void {
    this.#make(this.#kept(username), username, label, null, undefined, false);
  }

  /** Deletes one of the living tokens of that account, ours or not. */
  humanDeletes(username: string, which: number, ours: boolean): SimToken | undefined {
    const token = this.#choose(username, which, (one) => (one.owner !== undefined) === ours);
    if (token === undefined) return undefined;
    token.deletedAtMs = this.#world.nowMs;
    token.touchedByHuman = true;
    return token;
  }

  /** Logs in with one of the living tokens of others. */
  humanUses(username: string, which: number): void {
    const token = this.#choose(username, which, (one) => one.owner === undefined);
    if (token === undefined || this.#plan.listOrder !== 'longest_unused_first') return;
    const kept = this.#kept(username);
    kept.push(...kept.splice(kept.indexOf(token), 1));
  }

  /** Renames one of our tokens that `mayLose` allows to be made unrecognisable, or changes what follows the mark. */
  humanRenames(username: string, which: number, keepsMark: boolean, mayLose: (token: SimToken) => boolean): void {
    const token = this.#choose(username, which, (one) => one.owner !== undefined && (keepsMark || mayLose(one)));
    if (token === undefined) return;
    token.label = keepsMark ? `${token.label.split(' ')[0]} renamed` : 'renamed';
  }

  #choose(username: string, which: number, fits: (token: SimToken) => boolean): SimToken | undefined {
    const candidates = this.#kept(username).filter((token) => token.lives() && fits(token));
    return candidates[which % Math.max(1, candidates.length)];
  }

  changePassword(username: string, password: string, endsSessions: boolean): void {
    (this.#accounts.get(username) as Account).password = password;
    if (endsSessions) this.endSessions(username);
  }

  endSessions(username: string): void {
    (this.#accounts.get(username) as Account).sessionsFromMs = this.#world.nowMs;
  }
}

/** What an account's password is before anybody changes it. */
export function firstPassword(username: string): string {
  return `${CANARY}-${username}-0`;
}
