import type {
  DockerHub,
  HubMeta,
  HubProblem,
  HubReply,
  HubSession,
  HubToken,
  TokenMinter,
  TokenPlace,
} from '../../../functions/core/ports/docker-hub.ts';

/** Docker Hub's JWT lives 10 minutes. */
export const SESSION_MS = 600_000;
export const TOTP_STEP_MS = 30_000;
/** Every token and bearer begins with these, so that a leaked one is found. */
export const TOKEN_CANARY = 'dckr_pat_canary';
export const BEARER_CANARY = 'bearer-canary';

interface Account {
  password: string;
  readonly secondFactor: boolean;
}

interface Kept extends HubToken {
  /** The user or organization that holds it. */
  readonly holder: string;
}

/** What `creator_ua` says of a token that hublease made, and of one that somebody else made. */
export const OUR_USER_AGENT = 'hublease/0.1';
export const OTHER_USER_AGENT = 'Mozilla/5.0';

/** How a token differs from one that was made just now by somebody else and never expires. */
export interface GivenToken extends Partial<Omit<HubToken, 'tokenId' | 'label'>> {
  readonly ageMs?: number;
}

/** Docker Hub in memory: accounts, sessions, tokens and pages. */
export class MemoryHub {
  readonly accounts = new Map<string, Account>();
  readonly tokens = new Map<string, Kept>();
  /** Ids that lists do not show though the token lives. */
  readonly unlisted = new Set<string>();
  /** What lists show besides what lives: their lag behind deletes. */
  readonly stillListed: Kept[] = [];
  /** 30 s steps whose TOTP code was offered, in order. */
  readonly codeSteps: number[] = [];
  pageSize = 100;
  /** Larger pages are refused. */
  maxPageSize = Number.POSITIVE_INFINITY;
  /** What is kept of the expiry and the label that a create asks for. The answer to the create shows it. */
  keepsExpiry: (askedMs: number | null) => number | null = (askedMs) => askedMs;
  keepsLabel: (label: string) => string = (label) => label;
  /** Its clock less ours. */
  skewMs = 0;
  /** Whether answers carry a `Date`. */
  datesAnswers = true;
  /** Answers a login as another account than it was asked for. */
  logsInAs: string | undefined;

  readonly #nowMs: () => number;
  readonly #sessions = new Set<string>();
  #made = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Puts a token there, made `ageMs` ago. */
  give(holder: string, label: string, { ageMs = 0, ...given }: GivenToken = {}): HubToken {
    const token: Kept = {
      tokenId: `token-${++this.#made}`,
      label,
      createdAtMs: this.#nowMs() - ageMs,
      isActive: true,
      expiresAtMs: null,
      lastUsedAtMs: null,
      ...(this.accounts.has(holder) ? { creatorUserAgent: OTHER_USER_AGENT } : { createdBy: 'somebody' }),
      ...given,
      holder,
    };
    this.tokens.set(token.tokenId, token);
    return token;
  }

  /** Changes a token that is there. */
  change(tokenId: string, change: Partial<HubToken>): void {
    this.tokens.set(tokenId, { ...(this.tokens.get(tokenId) as Kept), ...change });
  }

  /** Ends every session: the next call with one is refused. */
  endSessions(): void {
    this.#sessions.clear();
  }

  #meta(httpStatus: number): HubMeta {
    const answered = { httpStatus, isJson: true } as const;
    return this.datesAnswers ? { ...answered, hubDateMs: this.#nowMs() + this.skewMs } : answered;
  }

  #yes<T>(value: T, httpStatus = 200): HubReply<T> {
    return { ok: true, value, meta: this.#meta(httpStatus) };
  }

  #no(problem: HubProblem, httpStatus: number): HubReply<never> {
    return { ok: false, problem, meta: this.#meta(httpStatus) };
  }

  #with<T>(session: HubSession, place: TokenPlace, act: (holder: string) => HubReply<T>): HubReply<T> {
    if (!this.#sessions.has(session.bearer)) return this.#no({ tag: 'session_refused' }, 401);
    return act(place.kind === 'oat' ? place.organization : session.account);
  }

  #find<T>(holder: string, tokenId: string, act: (token: Kept) => HubReply<T>): HubReply<T> {
    const token = this.tokens.get(tokenId);
    return token?.holder === holder ? act(token) : this.#no({ tag: 'not_found' }, 404);
  }

  readonly port: DockerHub = {
    login: async (credential, _route, codeAtMs) => {
      const account = this.accounts.get(credential.username);
      if (account?.password !== credential.password) return this.#no({ tag: 'credential_refused' }, 401);
      if (account.secondFactor) {
        if (credential.totpSecret === undefined) return this.#no({ tag: 'second_factor_needed' }, 401);
        const step = Math.floor(codeAtMs / TOTP_STEP_MS);
        const spent = this.codeSteps.includes(step);
        this.codeSteps.push(step);
        if (spent) return this.#no({ tag: 'credential_refused' }, 401);
      }
      const bearer = `${BEARER_CANARY}-${++this.#made}`;
      this.#sessions.add(bearer);
      const name = this.logsInAs ?? credential.username.toLowerCase();
      return this.#yes({ account: name, bearer, expiresAtMs: this.#nowMs() + SESSION_MS });
    },
    listTokens: async (session, place, window) =>
      this.#with(session, place, (holder) => {
        if (window.pageSize > this.maxPageSize) return this.#no({ tag: 'invalid', fields: ['page_size'] }, 400);
        const living = [...this.tokens.values()].filter((token) => !this.unlisted.has(token.tokenId));
        const all = [...living, ...this.stillListed].filter((token) => token.holder === holder);
        const size = Math.min(window.pageSize, this.pageSize);
        const end = window.page * size;
        return this.#yes({ tokens: all.slice(end - size, end).map(viewOf), total: all.length, more: end < all.length });
      }),
    getToken: async (session, place, tokenId) =>
      this.#with(session, place, (holder) => this.#find(holder, tokenId, (token) => this.#yes(viewOf(token)))),
    deleteToken: async (session, place, tokenId) =>
      this.#with(session, place, (holder) =>
        this.#find(holder, tokenId, () => {
          this.tokens.delete(tokenId);
          return this.#yes({ httpStatus: 204 }, 204);
        }),
      ),
    readDate: async () => this.#yes(null),
  };

  readonly minter: TokenMinter = {
    createToken: async (session, place, order) =>
      this.#with(session, place, (holder) => {
        const label = this.keepsLabel(order.label);
        const expiresAtMs = this.keepsExpiry(order.expiresAtMs);
        const maker = place.kind === 'oat' ? { createdBy: session.account } : { creatorUserAgent: OUR_USER_AGENT };
        const { tokenId } = this.give(holder, label, { expiresAtMs, ...maker });
        return this.#yes({ tokenId, token: `${TOKEN_CANARY}-${tokenId}`, label, expiresAtMs }, 201);
      }),
  };
}

function viewOf({ holder: _, ...token }: Kept): HubToken {
  return token;
}
