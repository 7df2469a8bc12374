import type { Credential, LoginRoute } from '../../../functions/core/model/target.ts';
import type {
  CreatedToken,
  HubMeta,
  HubProblem,
  HubReply,
  HubSession,
  HubToken,
  HubTokenPage,
  HubWindow,
  TokenOrder,
  TokenPlace,
} from '../../../functions/core/ports/docker-hub.ts';
import type { Watch } from '../invariants.ts';
import type { InstallationName, Look, LostRole, Plan } from '../plan.ts';
import { unitOf } from '../prng.ts';
import { strangerLabel } from '../stranger-labels.ts';
import type { World } from '../world.ts';
import { Accounts } from './accounts.ts';
import { type SimToken, Tokens } from './tokens.ts';

/** With which status each problem comes. */
const STATUSES: Readonly<Partial<Record<HubProblem['tag'], number>>> = {
  credential_refused: 401,
  second_factor_needed: 401,
  session_refused: 401,
  forbidden: 403,
  not_found: 404,
  invalid: 400,
  throttled: 429,
};
/** How often an organization's human made token is of the very user that hublease logs in as. */
const SAME_OWNER = 0.3;

/** Docker Hub: accounts, sessions and tokens, with the habits that make it hard to live with. Every method takes effect at once. */
export class SimHub {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #watch: Watch;
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  /** By the user names of their owners. */
  readonly #organizations = new Map<string, string>();
  /** Users who see nothing of their tokens, until when. */
  readonly #lostRoles = new Map<string, { readonly untilMs: number; readonly how: LostRole }>();
  /** Until when good passwords are refused, and until when something else answers logins, by user name. */
  readonly #troubles = new Map<string, { readonly untilMs: number; readonly problem: HubProblem }>();

  constructor(world: World, plan: Plan, watch: Watch) {
    this.#world = world;
    this.#plan = plan;
    this.#watch = watch;
    this.accounts = new Accounts(world, plan, watch);
    this.tokens = new Tokens(world, plan);
    for (const { username, organization } of plan.targets) {
      if (organization === undefined) continue;
      // The second owner, too, may manage the organization's tokens.
      this.#organizations.set(username, organization);
      this.#organizations.set(`${username}-2`, organization);
    }
  }

  /** Where Docker Hub does not end tokens by itself it gives no date, so that no expiry can be believed. */
  #meta(httpStatus: number, session?: HubSession): HubMeta {
    const date = this.#plan.hubExpires ? { hubDateMs: this.tokens.nowMs } : {};
    return { httpStatus, isJson: true, ...date, ...(session !== undefined && this.accounts.rateOf(session)) };
  }

  #yes<T>(value: T, session: HubSession | undefined, httpStatus = 200): HubReply<T> {
    return { ok: true, value, meta: this.#meta(httpStatus, session) };
  }

  #no(problem: HubProblem, session?: HubSession): { readonly ok: false } & HubReply<never> {
    return { ok: false, problem, meta: this.#meta(STATUSES[problem.tag] ?? 500, session) };
  }

  login(by: InstallationName, credential: Credential, route: LoginRoute, codeAtMs: number): HubReply<HubSession> {
    const trouble = this.#troubles.get(credential.username);
    if (trouble !== undefined && this.#world.nowMs < trouble.untilMs) {
      if (trouble.problem.tag === 'fault') {
        this.#watch.logins.metEdge(by, credential.username);
        // What stands before Docker Hub says nothing of its own.
        return { ok: false, problem: trouble.problem, meta: {} };
      }
      this.#watch.logins.refused(by, credential.username, credential.password);
      return this.#no(trouble.problem);
    }
    const answer = this.accounts.login(by, credential, route, codeAtMs);
    if ('tag' in answer) return this.#no(answer);
    this.#watch.logins.worked(by, credential.username, credential.password);
    return this.#yes(answer, undefined);
  }

  /** The tokens that a session may see at a place, or why it may not. */
  #reach(session: HubSession, place: TokenPlace, call: 'list' | 'other'): SimToken[] | HubProblem {
    const account = this.accounts.admit(session);
    if ('tag' in account) return account;
    const lost = this.#lostRoles.get(account.username);
    if (lost !== undefined && this.#world.nowMs < lost.untilMs) {
      return { tag: call === 'list' && lost.how === 'list_403' ? 'forbidden' : 'not_found' };
    }
    if (place.kind === 'pat') return this.tokens.at(account.username);
    if (this.#organizations.get(account.username) !== place.organization) return { tag: 'forbidden' };
    return this.tokens.at(place.organization);
  }

  listTokens(session: HubSession, place: TokenPlace, window: HubWindow): HubReply<HubTokenPage> {
    const reach = this.#reach(session, place, 'list');
    if (!Array.isArray(reach)) return this.#no(reach, session);
    const { hiddenTokens = 0, largestPage } = this.tokens.habits;
    if (largestPage !== undefined && window.pageSize > largestPage) {
      return this.#no({ tag: 'invalid', fields: [] }, session);
    }
    const pageSize = Math.min(window.pageSize, this.#plan.pageSize);
    const shown = reach.filter((token) => this.tokens.isListed(token));
    if ((this.#plan.listOrder ?? 'newest_first') === 'newest_first') shown.reverse();
    const end = window.page * pageSize;
    const tokens = shown.slice(end - pageSize, end).map((token) => this.tokens.view(token, place.kind, 'list'));
    return this.#yes({ tokens, total: shown.length + hiddenTokens, more: end < shown.length }, session);
  }

  getToken(session: HubSession, place: TokenPlace, tokenId: string): HubReply<HubToken> {
    const reach = this.#reach(session, place, 'other');
    if (!Array.isArray(reach)) return this.#no(reach, session);
    const token = reach.find((one) => one.tokenId === tokenId);
    if (token === undefined || !this.tokens.isShown(token)) return this.#no({ tag: 'not_found' }, session);
    return this.#yes(this.tokens.view(token, place.kind, 'read'), session);
  }

  deleteToken(
    by: InstallationName,
    session: HubSession,
    place: TokenPlace,
    tokenId: string,
  ): HubReply<{ readonly httpStatus: number }> {
    const reach = this.#reach(session, place, 'other');
    if (!Array.isArray(reach)) return this.#no(reach, session);
    const token = reach.find((one) => one.tokenId === tokenId && !this.tokens.isDeleted(one));
    if (token === undefined) return this.#no({ tag: 'not_found' }, session);
    this.#watch.tokenDeleted(token, by);
    const { answers: httpStatus, takesMs, soft } = this.tokens.habits.deletes ?? { answers: 204, takesMs: 0 };
    if (takesMs !== undefined) {
      // A delete that comes again does not put off the one that is under way.
      token.deletedAtMs = Math.min(token.deletedAtMs ?? Number.POSITIVE_INFINITY, this.#world.nowMs + takesMs);
      if (soft === true) token.soft = true;
    }
    return this.#yes({ httpStatus }, session, httpStatus);
  }

  createToken(
    by: InstallationName,
    session: HubSession,
    place: TokenPlace,
    order: TokenOrder,
    duplicate: boolean,
  ): HubReply<CreatedToken> {
    const reach = this.#reach(session, place, 'other');
    if (!Array.isArray(reach)) return this.#no(reach, session);
    if (order.expiresAtMs !== null && order.expiresAtMs <= this.tokens.nowMs) {
      return this.#no({ tag: 'invalid', fields: ['expires_at'] }, session);
    }
    const leaseId = order.label.split(':')[2] as string;
    const { label, expiresAtMs } = order;
    const token = this.tokens.make(place.kind === 'oat' ? place.organization : session.account, {
      label,
      expiresAtMs,
      madeBy: session.account,
      owner: { installation: by, leaseId },
      duplicate,
    });
    this.#watch.tokenBorn(token, leaseId);
    const { tokenId, value } = token;
    return this.#yes({ tokenId, token: value, label: token.label, expiresAtMs: token.expiresAtMs }, session, 201);
  }

  /** Docker Hub's clock. */
  readDate(): HubReply<null> {
    return this.#yes(null, undefined);
  }

  tokenOf(tokenId: string | undefined): SimToken | undefined {
    return this.tokens.find(tokenId);
  }

  /** What a human who logs in as `username` looks after: the organization's tokens, where there is one. */
  #kept(username: string): SimToken[] {
    return this.tokens.at(this.#organizations.get(username) ?? username);
  }

  /** A human at the account's own page. `ageMs` null: the token does not say when it was made. */
  humanCreates(username: string, look: Look, ageMs: number | null = 0): void {
    const account = this.#organizations.get(username) ?? username;
    const label = strangerLabel(account, look);
    const isSame = unitOf(this.#plan.seed, `owner ${account} ${this.tokens.at(account).length}`) < SAME_OWNER;
    const madeBy = isSame ? username : `${username}-2`;
    this.tokens.make(account, { label, expiresAtMs: null, madeBy, ageMs });
  }

  /** Deletes one of the living tokens of that account, ours or not. */
  humanDeletes(username: string, which: number, ours: boolean): void {
    const token = this.#choose(username, which, (one) => (one.owner !== undefined) === ours);
    if (token !== undefined) this.humanDeletesToken(token);
  }

  humanDeletesToken(token: SimToken): void {
    token.deletedAtMs = this.#world.nowMs;
    token.touchedByHuman = true;
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

  /** A user sees none of the account's tokens any more, until `untilMs`. */
  loseRole(username: string, how: LostRole, untilMs: number): void {
    this.#lostRoles.set(username, { untilMs, how });
  }

  /** Good passwords of a user are refused until `untilMs`, or something else answers in Docker Hub's place. */
  troubleLogins(username: string, how: 'refused' | 'edge', untilMs: number): void {
    const problem: HubProblem = how === 'edge' ? { tag: 'fault', code: 'edge' } : { tag: 'credential_refused' };
    this.#troubles.set(username, { untilMs, problem });
  }
}
