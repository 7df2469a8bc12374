import type { Credential, LoginRoute } from '../../../functions/core/model/target.ts';
import type { HubProblem, HubReply, HubSession } from '../../../functions/core/ports/docker-hub.ts';
import { CANARY } from '../canary.ts';
import type { Watch } from '../invariants.ts';
import type { InstallationName, Plan } from '../plan.ts';
import type { World } from '../world.ts';

/** Docker Hub's JWT lives 10 minutes. */
const SESSION_MS = 600_000;
/** Refusals within a window that lock a user name, and for how long. Docker publishes neither; 10 to 15 minutes were seen. */
const LOCK_AFTER = 5;
const LOCK_WINDOW_MS = 600_000;
const LOCK_MS = 780_000;
const TOTP_STEP_MS = 30_000;
const MINUTE_MS = 60_000;

export interface Account {
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

/** Docker Hub's users: their passwords, second factors, sessions and requests. Every method takes effect at once. */
export class Accounts {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #watch: Watch;
  readonly #accounts = new Map<string, Account>();
  readonly #sessions = new Map<
    string,
    { readonly username: string; readonly openedAtMs: number; readonly expiresAtMs: number }
  >();
  #opened = 0;

  constructor(world: World, plan: Plan, watch: Watch) {
    this.#world = world;
    this.#plan = plan;
    this.#watch = watch;
    for (const { username } of plan.targets) {
      this.#add(username, plan.secondFactor.includes(username));
      this.#add(`${username}-2`, false);
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

  /** Opens a session, or says why not. */
  login(by: InstallationName, credential: Credential, route: LoginRoute, codeAtMs: number): HubSession | HubProblem {
    const account = this.#accounts.get(credential.username);
    const { nowMs } = this.#world;
    if (account === undefined) return { tag: 'credential_refused' };
    if (account.lockedUntilMs > nowMs) return { tag: 'throttled', retryAtMs: account.lockedUntilMs };
    const problem = this.#check(by, account, credential, route, codeAtMs);
    if (problem !== undefined) {
      this.#watch.logins.refused(by, credential.username, credential.password);
      this.#refuse(account);
      return problem;
    }
    account.refusals = [];
    this.#opened += 1;
    const bearer = `${CANARY}-jwt-${account.username}-${this.#opened}`;
    const expiresAtMs = nowMs + SESSION_MS;
    this.#sessions.set(bearer, { username: account.username, openedAtMs: nowMs, expiresAtMs });
    return { account: account.username, bearer, expiresAtMs };
  }

  #check(
    by: InstallationName,
    account: Account,
    { password, totpSecret }: Credential,
    route: LoginRoute,
    codeAtMs: number,
  ): HubProblem | undefined {
    if (account.password !== password) return { tag: 'credential_refused' };
    if (!account.secondFactor) return undefined;
    if (route !== 'users-login' || totpSecret === undefined) return { tag: 'second_factor_needed' };
    const step = Math.floor(codeAtMs / TOTP_STEP_MS);
    // A code is good within a step of now, and once. Source: RFC 6238 section 5.2.
    if (step <= account.lastStep) {
      // Two installations of one account cannot know of each other's codes.
      if (account.lastStepBy !== by) this.#watch.logins.excuse(by);
      return { tag: 'credential_refused' };
    }
    if (Math.abs(step - Math.floor(this.#world.nowMs / TOTP_STEP_MS)) > 1) return { tag: 'credential_refused' };
    account.lastStep = step;
    account.lastStepBy = by;
    return undefined;
  }

  #refuse(account: Account): void {
    const { nowMs } = this.#world;
    account.refusals = account.refusals.filter((atMs) => atMs > nowMs - LOCK_WINDOW_MS);
    account.refusals.push(nowMs);
    if (account.refusals.length >= LOCK_AFTER) account.lockedUntilMs = nowMs + LOCK_MS;
  }

  /** Whose session it is; undefined for one that nobody opened. */
  of(session: HubSession): Account | undefined {
    const known = this.#sessions.get(session.bearer);
    return known === undefined ? undefined : this.#accounts.get(known.username);
  }

  /** Takes a request of a session: whose it is, or why it is refused. */
  admit(session: HubSession): Account | HubProblem {
    const known = this.#sessions.get(session.bearer);
    const account = this.of(session);
    if (known === undefined || account === undefined || known.expiresAtMs <= this.#world.nowMs)
      return { tag: 'session_refused' };
    if (known.openedAtMs < account.sessionsFromMs) return { tag: 'session_refused' };
    const minute = Math.floor(this.#world.nowMs / MINUTE_MS);
    if (account.minute !== minute) Object.assign(account, { minute, requests: 0 });
    account.requests += 1;
    const { requestsPerMinute: most } = this.#plan;
    if (most === undefined || account.requests <= most) return account;
    return { tag: 'throttled', retryAtMs: (minute + 1) * MINUTE_MS };
  }

  /** Where requests are counted, each answer says how many there are and how many are left. */
  rateOf(session: HubSession): Pick<HubReply<unknown>['meta'], 'rateLimit' | 'rateRemaining' | 'rateResetAtMs'> {
    const { requestsPerMinute: most } = this.#plan;
    const account = this.of(session);
    if (most === undefined || account === undefined) return {};
    const rateRemaining = Math.max(0, most - account.requests);
    return { rateLimit: most, rateRemaining, rateResetAtMs: (account.minute + 1) * MINUTE_MS };
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
