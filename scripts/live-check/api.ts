import { createRequest, readCreated } from '../../functions/adapters/docker-hub/create.ts';
import { dockerHub } from '../../functions/adapters/docker-hub/docker-hub.ts';
import {
  type Exchange,
  type HubAnswer,
  type HubOptions,
  type HubRequest,
  hubExchange,
  LIST_MAX_BYTES,
  withDeadline,
} from '../../functions/adapters/docker-hub/http.ts';
import { problemOf } from '../../functions/adapters/docker-hub/problem.ts';
import { tokenPath, tokensPath } from '../../functions/adapters/docker-hub/tokens.ts';
import { isRefusedCleanly } from '../../functions/core/leases/refused-create.ts';
import type {
  CreatedToken,
  DockerHub,
  HubReply,
  HubSession,
  HubToken,
  HubTokenPage,
  HubWindow,
  TokenOrder,
} from '../../functions/core/ports/docker-hub.ts';
import type { Ledger, MadeToken } from './ledger.ts';
import type { Line } from './line.ts';
import type { Order, Place } from './place.ts';
import type { Secrets } from './secrets.ts';
import type { Sessions } from './sessions.ts';
import { memberNames } from './words.ts';

/** A create as hublease reads it, and what else its answer shows. */
export interface CreateResult {
  readonly made: MadeToken;
  readonly reply: HubReply<CreatedToken>;
  /** Names of the members of the answer. */
  readonly members: readonly string[];
}

/** What a create asks for in place of its place's order. */
export interface CreateAsk extends Partial<Order> {
  readonly label?: string;
  /** The expiry to ask for, from Docker Hub's time just before the create is sent. */
  readonly expiry?: (hubNowMs: number) => number | null;
  /** In place of the account's own session. */
  readonly session?: HubSession;
}

export interface ApiParts {
  readonly options: HubOptions;
  readonly line: Line;
  readonly sessions: Sessions;
  readonly ledger: Ledger;
  readonly secrets: Secrets;
}

/** Docker Hub's token routes, by hublease's own adapter and decoders. Every request goes through the line, once. */
export class Api {
  readonly #parts: ApiParts;
  readonly #hub: DockerHub;
  readonly #exchange: Exchange;

  constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#hub = dockerHub(parts.options);
    this.#exchange = hubExchange(parts.options);
  }

  /** Creates a token, which the ledger knows of before the request is sent. */
  async create(place: Place, purpose: string, ask: CreateAsk = {}): Promise<CreateResult> {
    const { line, ledger, sessions, secrets, options } = this.#parts;
    const wanted = { ...place.order, ...ask };
    const expiry = ask.expiry ?? ((hubNowMs: number) => secondsAfter(hubNowMs, wanted.lifeSeconds));
    const made = ledger.add(place.at, ask.label ?? ledger.label(purpose));
    let members: readonly string[] = [];
    const reply = await line.ask(async () => {
      const session = ask.session ?? (await sessions.current());
      made.askedExpiresAtMs = expiry(line.hubNowMs());
      const request = createRequest(session, place.at, orderOf(made, wanted));
      made.outcome = 'unknown';
      const answer = await this.#send(request);
      made.endedAtMs = line.nowMs();
      if (!answer.ok) return answer;
      members = memberNames(answer.value.json);
      const created = readCreated(answer.value, place.at, options.nowMs());
      // Before the line may throw.
      note(made, created, secrets);
      return created;
    });
    return { made, reply, members };
  }

  get(place: Place, tokenId: string): Promise<HubReply<HubToken>> {
    return this.#withSession((session) => this.#hub.getToken(session, place.at, tokenId));
  }

  list(place: Place, window: HubWindow): Promise<HubReply<HubTokenPage>> {
    return this.#withSession((session) => this.#hub.listTokens(session, place.at, window));
  }

  delete(place: Place, tokenId: string): Promise<HubReply<{ readonly httpStatus: number }>> {
    return this.#withSession((session) => this.#hub.deleteToken(session, place.at, tokenId));
  }

  listWith(session: HubSession, place: Place): Promise<HubReply<HubTokenPage>> {
    return this.#parts.line.ask(() => this.#hub.listTokens(session, place.at, { page: 1, pageSize: 10 }));
  }

  /** One page as it came. */
  rawList(place: Place, pageSize: number, page = 1): Promise<HubReply<HubAnswer>> {
    const path = `${tokensPath(place.at)}?page=${page}&page_size=${pageSize}`;
    return this.#raw({ method: 'GET', path, maxBytes: LIST_MAX_BYTES, expects: 'json' });
  }

  /** One token as it came. */
  rawGet(place: Place, tokenId: string): Promise<HubReply<HubAnswer>> {
    const path = tokenPath(place.at, tokenId);
    return this.#raw({ method: 'GET', path, maxBytes: LIST_MAX_BYTES, expects: 'json' });
  }

  patch(place: Place, tokenId: string, body: Readonly<Record<string, unknown>>): Promise<HubReply<HubAnswer>> {
    const path = tokenPath(place.at, tokenId);
    return this.#raw({ method: 'PATCH', path, body, maxBytes: LIST_MAX_BYTES, expects: 'json' });
  }

  /** The answer whatever its status, but for a 429. */
  #raw(request: HubRequest): Promise<HubReply<HubAnswer>> {
    return this.#withSession(async ({ bearer }) => {
      const reply = await this.#send({ ...request, bearer });
      if (!reply.ok) return reply;
      const problem = problemOf(reply.value, this.#parts.options.nowMs(), 'other');
      const isRefusal = problem?.tag === 'throttled' || problem?.tag === 'session_refused';
      return isRefusal ? { ok: false, problem, meta: reply.meta } : reply;
    });
  }

  #send(request: HubRequest): Promise<HubReply<HubAnswer>> {
    return withDeadline(this.#parts.options.timeoutMs, (deadline) => this.#exchange(request, deadline));
  }

  /** For what may be sent twice: a session that is refused is replaced once. */
  async #withSession<T>(send: (session: HubSession) => Promise<HubReply<T>>): Promise<HubReply<T>> {
    const { line, sessions } = this.#parts;
    const once = () => line.ask(async () => send(await sessions.current()));
    const reply = await once();
    if (reply.ok || reply.problem.tag !== 'session_refused') return reply;
    sessions.drop();
    return once();
  }
}

function orderOf(made: MadeToken, { scope, resources }: Order): TokenOrder {
  return {
    label: made.label,
    expiresAtMs: made.askedExpiresAtMs,
    ...(scope !== undefined && { scope }),
    ...(resources !== undefined && { resources }),
  };
}

/** A whole second; null for null. */
function secondsAfter(nowMs: number, seconds: number | null): number | null {
  return seconds === null ? null : Math.ceil(nowMs / 1_000 + seconds) * 1_000;
}

function note(made: MadeToken, reply: HubReply<CreatedToken>, secrets: Secrets): void {
  if (!reply.ok) {
    if (isRefusedCleanly(reply.problem, reply.meta)) made.outcome = 'refused';
    return;
  }
  const { tokenId, token, label, expiresAtMs } = reply.value;
  secrets.add(token);
  made.outcome = 'made';
  made.tokenId = tokenId;
  made.value = token;
  made.reportedExpiresAtMs = expiresAtMs;
  if (label !== undefined) made.shownLabel = label;
}
