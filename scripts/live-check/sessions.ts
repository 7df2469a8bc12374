import { type BodyForm, type Exchange, withDeadline } from '../../functions/adapters/docker-hub/http.ts';
import { property } from '../../functions/adapters/docker-hub/json.ts';
import { claimsOf, logIn } from '../../functions/adapters/docker-hub/login.ts';
import type { Credential, LoginRoute } from '../../functions/core/model/target.ts';
import type { HubReply, HubSession } from '../../functions/core/ports/docker-hub.ts';
import type { Line } from './line.ts';
import type { Secrets } from './secrets.ts';
import { Stopped } from './stop.ts';

/** More refusals may lock the user name for 10 to 15 minutes. Source: docker/hub-feedback issues 2201 and 2217. */
const MAX_REFUSED_LOGINS = 3;
/** Some refusals of a good password are soon over. Source: docker/hub-feedback issue 1694. */
const RETRY_PAUSE_MS = 30_000;
/** A session that ends within this is not used for another request. */
const MIN_LIFE_MS = 5_000;
/** A code is taken once. Source: RFC 6238 section 5.2. */
const TOTP_STEP_MS = 30_000;

/** One request of a login and its answer. */
export interface LoginStep {
  readonly path: string;
  readonly status: number;
  readonly form: BodyForm;
  /** The answer has a ticket for the second factor. */
  readonly hasTicket: boolean;
}

export interface LoginAttempt {
  readonly reply: HubReply<HubSession>;
  readonly steps: readonly LoginStep[];
  /** As the session says it; hublease itself believes less. Absent where it does not say. */
  readonly lifeSeconds?: number;
}

/** The logins of the account, by hublease's own adapter. */
export class Sessions {
  readonly credential: Credential;
  /** The route that new sessions come from: the first that gave one. */
  route: LoginRoute | undefined;
  readonly #line: Line;
  readonly #exchange: Exchange;
  readonly #secrets: Secrets;
  readonly #timeoutMs: number;
  #session: HubSession | undefined;
  #refused = 0;
  #isLastRefused = false;
  #isGivenUp = false;
  #isCleaning = false;
  #totpStep = -1;

  constructor(
    credential: Credential,
    parts: { readonly line: Line; readonly exchange: Exchange; readonly secrets: Secrets; readonly timeoutMs: number },
  ) {
    this.credential = credential;
    this.#line = parts.line;
    this.#exchange = parts.exchange;
    this.#secrets = parts.secrets;
    this.#timeoutMs = parts.timeoutMs;
  }

  /** From here on a refusal ends nothing. At least one more login is tried, and none after the last of them was refused. */
  beginCleanup(): void {
    this.#isCleaning = true;
  }

  /**
   * Logs in once.
   *
   * @throws Stopped on the third refusal of a run, and as the line.
   */
  async attempt(route: LoginRoute, credential = this.credential): Promise<LoginAttempt> {
    if (route === 'users-login' && credential.totpSecret !== undefined) await this.#awaitTotpStep();
    const steps: LoginStep[] = [];
    let bearer: string | undefined;
    const observing: Exchange = async (request, deadline) => {
      const reply = await this.#exchange(request, deadline);
      if (!reply.ok) return reply;
      const { status, form, json } = reply.value;
      const ticket = property(json, 'login_2fa_token');
      const opened = property(json, 'access_token') ?? property(json, 'token');
      if (typeof ticket === 'string') this.#secrets.add(ticket);
      if (typeof opened === 'string') {
        bearer = opened;
        this.#secrets.add(opened);
      }
      steps.push({ path: request.path, status, form, hasTicket: typeof ticket === 'string' && ticket !== '' });
      return reply;
    };
    const times = { totpAtMs: this.#line.hubNowMs(), nowMs: this.#line.nowMs };
    const reply = await this.#line.ask(() =>
      withDeadline(this.#timeoutMs, (deadline) => logIn(observing, credential, route, times, deadline)),
    );
    this.#countRefusal(reply);
    const lifeSeconds = this.#lifeSeconds(bearer);
    return { reply, steps, ...(reply.ok && lifeSeconds !== undefined && { lifeSeconds }) };
  }

  /** Logs in, once more where Docker Hub asks to try again later. */
  async attemptTwice(route: LoginRoute, credential = this.credential): Promise<LoginAttempt> {
    const first = await this.attempt(route, credential);
    const { reply } = first;
    if (reply.ok || reply.problem.tag !== 'fault' || reply.problem.code !== 'server_error') return first;
    await this.#line.sleep(RETRY_PAUSE_MS);
    return this.attempt(route, credential);
  }

  /** Makes a session the one that requests are sent with. */
  use(route: LoginRoute, session: HubSession): void {
    this.route = route;
    this.#session = session;
  }

  /** The session is no longer accepted. */
  drop(): void {
    this.#session = undefined;
  }

  /**
   * A session that will live for the next request.
   *
   * @throws Stopped when there is none to be had.
   */
  async current(): Promise<HubSession> {
    const isUsable = () => this.#session !== undefined && this.#session.expiresAtMs - this.#line.nowMs() > MIN_LIFE_MS;
    if (!isUsable()) await this.renew();
    if (!isUsable()) throw new Stopped({ kind: 'no_session' });
    return this.#session as HubSession;
  }

  /**
   * Opens a new session in place of the present one, which is kept where that fails.
   *
   * @throws Stopped as `attempt`.
   */
  async renew(): Promise<boolean> {
    const { route } = this;
    if (route === undefined || (this.#isCleaning && this.#isGivenUp)) return false;
    const maxTries = Math.max(1, MAX_REFUSED_LOGINS - this.#refused);
    for (let tries = 0; tries < maxTries; tries++) {
      if (tries > 0 || this.#isLastRefused) await this.#line.sleep(RETRY_PAUSE_MS);
      const { reply } = await this.attempt(route);
      if (!reply.ok) continue;
      this.#session = reply.value;
      if (this.#isCleaning) this.#refused = 0;
      return true;
    }
    this.#isGivenUp = this.#isCleaning;
    return false;
  }

  async #awaitTotpStep(): Promise<void> {
    const stepNow = () => Math.floor(this.#line.hubNowMs() / TOTP_STEP_MS);
    if (stepNow() <= this.#totpStep) {
      await this.#line.sleep((this.#totpStep + 1) * TOTP_STEP_MS - this.#line.hubNowMs() + 1_000);
    }
    this.#totpStep = stepNow();
  }

  #countRefusal(reply: HubReply<HubSession>): void {
    // A request for the second factor means that the password was right.
    this.#isLastRefused =
      !reply.ok && reply.problem.tag !== 'second_factor_needed' && reply.meta.httpStatus !== undefined;
    if (!this.#isLastRefused) return;
    this.#refused++;
    if (this.#refused >= MAX_REFUSED_LOGINS && !this.#isCleaning) throw new Stopped({ kind: 'logins_refused' });
  }

  #lifeSeconds(bearer: string | undefined): number | undefined {
    const exp = bearer === undefined ? undefined : property(claimsOf(bearer), 'exp');
    return typeof exp === 'number' ? Math.round(exp - this.#line.hubNowMs() / 1_000) : undefined;
  }
}
