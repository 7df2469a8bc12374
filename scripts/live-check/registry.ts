import { type HubOptions, withDeadline } from '../../functions/adapters/docker-hub/http.ts';
import { parseJson, property } from '../../functions/adapters/docker-hub/json.ts';
import { readMeta, readRetryAtMs } from '../../functions/adapters/docker-hub/meta.ts';
import type { HubReply } from '../../functions/core/ports/docker-hub.ts';
import type { Line } from './line.ts';
import type { Secrets } from './secrets.ts';

const SERVICE = 'registry.docker.io';
const CLIENT_ID = 'hublease-live-check';
const MAX_BYTES = 65_536;
/** Source: Docker registry API reference: the life of a bearer that does not say. */
const DEFAULT_LIFE_SECONDS = 60;

/** What `auth.docker.io` gives for a token. */
export interface RegistryBearer {
  /** Secret. */
  readonly bearer: string;
  readonly lifeSeconds: number;
  /** Secret. */
  readonly refreshToken?: string;
}

interface RegistryAnswer {
  readonly status: number;
  readonly json: unknown;
}

/** Who exchanges a token at the registry. */
export interface Holder {
  readonly username: string;
  readonly token: string;
}

/**
 * `auth.docker.io` and the registry behind it, which hublease itself never talks to: a client of its own, as bounded as the
 * adapter's. Each request is sent once and follows no redirect.
 */
export class Registry {
  readonly #origins: { readonly auth: string; readonly registry: string };
  readonly #options: HubOptions;
  readonly #line: Line;
  readonly #secrets: Secrets;

  constructor(
    origins: { readonly auth: string; readonly registry: string },
    parts: { readonly options: HubOptions; readonly line: Line; readonly secrets: Secrets },
  ) {
    this.#origins = origins;
    this.#options = parts.options;
    this.#line = parts.line;
    this.#secrets = parts.secrets;
  }

  /** Exchanges a token as `docker login` does. The status is 401 for a token that is not accepted. */
  async exchange({ username, token }: Holder, isOffline = false): Promise<{ status?: number; given?: RegistryBearer }> {
    const query = new URLSearchParams({ service: SERVICE, client_id: CLIENT_ID, account: username });
    if (isOffline) query.set('offline_token', 'true');
    const authorization = `Basic ${Buffer.from(`${username}:${token}`).toString('base64')}`;
    const reply = await this.#ask(this.#origins.auth, `/token?${query}`, { authorization });
    return this.#given(reply);
  }

  /** Exchanges a refresh token. */
  async refresh(refreshToken: string): Promise<{ status?: number; given?: RegistryBearer }> {
    const form = { grant_type: 'refresh_token', service: SERVICE, client_id: CLIENT_ID, refresh_token: refreshToken };
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.#given(await this.#ask(this.#origins.auth, '/token', type, new URLSearchParams(form).toString()));
  }

  /** Status of the registry's own answer to a bearer: 200 while it is good, 401 afterwards. */
  async ping(bearer: string): Promise<number | undefined> {
    const reply = await this.#ask(this.#origins.registry, '/v2/', { authorization: `Bearer ${bearer}` });
    return reply.ok ? reply.value.status : reply.meta.httpStatus;
  }

  #given(reply: HubReply<RegistryAnswer>): { status?: number; given?: RegistryBearer } {
    if (!reply.ok) return reply.meta.httpStatus === undefined ? {} : { status: reply.meta.httpStatus };
    const { status, json } = reply.value;
    const bearer = property(json, 'token') ?? property(json, 'access_token');
    const refreshToken = property(json, 'refresh_token');
    const life = property(json, 'expires_in');
    if (status !== 200 || typeof bearer !== 'string') return { status };
    const hasRefresh = typeof refreshToken === 'string' && refreshToken !== '';
    this.#secrets.add(bearer, hasRefresh ? refreshToken : undefined);
    const lifeSeconds = typeof life === 'number' && life > 0 ? life : DEFAULT_LIFE_SECONDS;
    return { status, given: { bearer, lifeSeconds, ...(hasRefresh && { refreshToken }) } };
  }

  #ask(
    origin: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    form?: string,
  ): Promise<HubReply<RegistryAnswer>> {
    return this.#line.ask(() =>
      withDeadline(this.#options.timeoutMs, (signal) => this.#send(origin, path, headers, form, signal)),
    );
  }

  async #send(
    origin: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    form: string | undefined,
    signal: AbortSignal,
  ): Promise<HubReply<RegistryAnswer>> {
    const { dispatcher, userAgent, nowMs } = this.#options;
    try {
      const answer = await dispatcher.request({
        origin,
        path,
        method: form === undefined ? 'GET' : 'POST',
        headers: { accept: 'application/json', 'user-agent': userAgent, ...headers },
        body: form ?? null,
        signal,
      });
      const json = await readJson(answer.body);
      const { statusCode: status } = answer;
      const { hubDateMs } = readMeta(answer.headers);
      const meta = { httpStatus: status, ...(hubDateMs !== undefined && { hubDateMs }) };
      if (status !== 429) return { ok: true, value: { status, json }, meta };
      return { ok: false, problem: { tag: 'throttled', retryAtMs: readRetryAtMs(answer.headers, nowMs()) }, meta };
    } catch {
      // The error may hold headers and the body: nothing of it goes further.
      return { ok: false, problem: { tag: 'fault', code: 'connection' }, meta: {} };
    }
  }
}

async function readJson(body: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks))?.value;
}
