import { Secret, TOTP } from 'otpauth';
import { onTestFinished } from 'vitest';
import type { FakeHubOptions } from '../../fake-hub/options.ts';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';

/** Noon of a day without meaning, a whole day's step away from nothing. */
export const NOON_MS = Date.parse('2030-05-01T12:00:00.000Z');
export const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

export interface TestHub extends FakeHub {
  /** Moves the fake's clock forward. */
  advance(ms: number): void;
  nowMs(): number;
}

/** A fake with users `ann`, `bob` and, with a second factor, `tia`; Ann owns the organization `acme`. */
export async function openFake(options: Partial<FakeHubOptions> = {}): Promise<TestHub> {
  let nowMs = NOON_MS;
  const hub = await startFakeHub({
    accounts: [
      { username: 'ann', password: 'ann-password', email: 'ann@example.com' },
      { username: 'bob', password: 'bob-password' },
      { username: 'tia', password: 'tia-password', totpSecret: TOTP_SECRET },
    ],
    organizations: [{ name: 'acme', owners: ['ann'], repositories: ['app', 'site'], tokenCap: 3 }],
    publicRepositories: ['acme/site', 'ann/public'],
    nowMs: () => nowMs,
    ...options,
  });
  onTestFinished(() => hub.close());
  return Object.assign(hub, {
    advance: (ms: number) => {
      nowMs += ms;
    },
    nowMs: () => nowMs,
  });
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
  readonly body: any;
}

/** One request, redirects not followed. */
export async function call(
  hub: { readonly url: string },
  method: string,
  path: string,
  { bearer, body, headers = {} }: { bearer?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const response = await fetch(hub.url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  return { status: response.status, headers: response.headers, text, body: parsed };
}

export function login(hub: { readonly url: string }, identifier: string, secret: string): Promise<Reply> {
  return call(hub, 'POST', '/v2/auth/token', { body: { identifier, secret } });
}

/** A session of a user with a password alone. */
export async function bearerOf(hub: { readonly url: string }, username = 'ann'): Promise<string> {
  return (await login(hub, username, `${username}-password`)).body.access_token;
}

export async function createPat(
  hub: { readonly url: string },
  bearer: string,
  more: Record<string, unknown> = {},
): Promise<Reply> {
  return call(hub, 'POST', '/v2/access-tokens', {
    bearer,
    body: { token_label: 'one', scopes: ['repo:read'], ...more },
  });
}

/** The exchange of auth.docker.io. */
export function exchange(
  hub: { readonly url: string },
  username: string,
  secret: string,
  scope = 'repository:ann/app:pull',
): Promise<Reply> {
  const basic = Buffer.from(`${username}:${secret}`).toString('base64');
  const query = new URLSearchParams({ service: 'registry.docker.io', scope });
  return call(hub, 'GET', `/token?${query}`, { headers: { authorization: `Basic ${basic}` } });
}

export function totpCode(atMs: number): string {
  return TOTP.generate({ secret: Secret.fromBase32(TOTP_SECRET), timestamp: atMs });
}

/** The claims of a JWT, unverified. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the token holds.
export function claimsOf(jwt: string): any {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
