// Measures on a real Docker Hub account what Docker does not document: `npm run live-check`. Meant for a throwaway account, whose
// tokens it makes and deletes; it touches no token that it did not make. Never run by tests against anything but the fake.
//
//   HUBLEASE_LIVE_USERNAME, HUBLEASE_LIVE_PASSWORD   the account (its password, not an access token)
//   HUBLEASE_LIVE_TOTP_SECRET                        base32, where two-factor authentication is on
//   HUBLEASE_LIVE_HUB, HUBLEASE_LIVE_AUTH            origins; https://hub.docker.com and https://auth.docker.io unless given
//   HUBLEASE_LIVE_SECONDS                            how long to wait for what is slow, 120 unless given
import { setTimeout as wait } from 'node:timers/promises';
import Table from 'cli-table3';
import { TOTP } from 'otpauth';
import { VERSION } from '../functions/wire/version.ts';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

const env = process.env;
const hub = env.HUBLEASE_LIVE_HUB ?? 'https://hub.docker.com';
const auth = env.HUBLEASE_LIVE_AUTH ?? (env.HUBLEASE_LIVE_HUB === undefined ? 'https://auth.docker.io' : hub);
const username = required('HUBLEASE_LIVE_USERNAME');
const password = required('HUBLEASE_LIVE_PASSWORD');
const patienceMs = Number(env.HUBLEASE_LIVE_SECONDS ?? 120) * 1_000;
const made = new Set<string>();
const findings: [question: string, answer: string][] = [];

function required(name: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  console.error(`live-check: set ${name}; see the head of scripts/live-check.ts`);
  process.exit(2);
}

async function call(method: string, path: string, bearer?: string, body?: object): Promise<Answer> {
  const response = await fetch(`${hub}${path}`, {
    method,
    redirect: 'error',
    signal: AbortSignal.timeout(20_000),
    headers: {
      'user-agent': `hublease-live-check/${VERSION}`,
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const parsed: unknown = await response.json().catch(() => ({}));
  return { status: response.status, body: (parsed ?? {}) as Record<string, unknown>, headers: response.headers };
}

/** Logs in the way that works, and notes what the other one says. */
async function logIn(): Promise<string> {
  const direct = await call('POST', '/v2/auth/token', undefined, { identifier: username, secret: password });
  findings.push(['/v2/auth/token with this password', `status ${direct.status}`]);
  const older = await call('POST', '/v2/users/login', undefined, { username, password });
  findings.push(['/v2/users/login with this password', `status ${older.status}`]);
  const second = older.body.login_2fa_token;
  const stepped =
    typeof second === 'string' && env.HUBLEASE_LIVE_TOTP_SECRET !== undefined
      ? await call('POST', '/v2/users/2fa-login', undefined, {
          login_2fa_token: second,
          code: new TOTP({ secret: env.HUBLEASE_LIVE_TOTP_SECRET }).generate(),
        })
      : older;
  if (stepped.status === 200) findings.push(['life of a /v2/users/login session', lifeOf(stepped.body.token)]);
  if (direct.status === 200) findings.push(['life of a /v2/auth/token session', lifeOf(direct.body.access_token)]);
  const bearer = direct.status === 200 ? direct.body.access_token : stepped.body.token;
  if (typeof bearer === 'string') return bearer;
  console.error('live-check: neither login route accepts this account');
  process.exit(1);
}

function lifeOf(jwt: unknown): string {
  try {
    const { exp } = JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      exp: number;
    };
    return `${Math.round(exp - Date.now() / 1_000)} s`;
  } catch {
    return 'not stated';
  }
}

async function create(bearer: string, expiresAt: string | undefined, label = 'hublease live check'): Promise<Answer> {
  const answer = await call('POST', '/v2/access-tokens', bearer, {
    token_label: label,
    scopes: ['repo:public_read'],
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
  });
  if (typeof answer.body.uuid === 'string') made.add(answer.body.uuid);
  return answer;
}

const instant = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

async function expiry(bearer: string): Promise<void> {
  for (const seconds of [5, 30, 60, 300, 3_600, 86_400]) {
    const wanted = instant(Date.now() + seconds * 1_000);
    const { status, body } = await create(bearer, wanted);
    findings.push([
      `expires_at ${seconds} s ahead`,
      `status ${status}${status < 300 ? `, reads ${body.expires_at === wanted ? 'the same' : body.expires_at}` : ''}`,
    ]);
  }
}

/** Whether auth.docker.io takes a token; undefined when it did not say. */
async function accepted(token: string): Promise<boolean | undefined> {
  const basic = Buffer.from(`${username}:${token}`).toString('base64');
  const url = `${auth}/token?service=registry.docker.io&scope=repository:library/alpine:pull`;
  const { status } = await fetch(url, { headers: { authorization: `Basic ${basic}` }, redirect: 'error' });
  return status === 200 ? true : status === 401 ? false : undefined;
}

async function until(wanted: boolean, token: string): Promise<string> {
  const startedMs = Date.now();
  while (Date.now() - startedMs < patienceMs) {
    if ((await accepted(token)) === wanted) return `after ${Date.now() - startedMs} ms`;
    await wait(250);
  }
  return `not within ${patienceMs / 1_000} s`;
}

async function delays(bearer: string): Promise<void> {
  const { body } = await create(bearer, instant(Date.now() + 3_600_000));
  const token = String(body.token);
  findings.push(['a new token is accepted by the registry', await until(true, token)]);
  const gone = await call('DELETE', `/v2/access-tokens/${body.uuid}`, bearer);
  findings.push(['DELETE answers', `status ${gone.status}`]);
  findings.push(['a deleted token is refused by the registry', await until(false, token)]);
  const again = await call('DELETE', `/v2/access-tokens/${body.uuid}`, bearer);
  const type = again.headers.get('content-type') ?? 'no content type';
  findings.push(['DELETE of what is gone answers', `status ${again.status}, ${type}`]);
}

async function lists(bearer: string): Promise<void> {
  const twice = await create(bearer, instant(Date.now() + 3_600_000));
  findings.push(['a label that is taken', `status ${twice.status}`]);
  const patched = await call('PATCH', `/v2/access-tokens/${twice.body.uuid}`, bearer, { scopes: ['repo:read'] });
  findings.push([
    'PATCH with scopes',
    `status ${patched.status}, reads ${JSON.stringify(patched.body.scopes ?? null)}`,
  ]);
  for (const size of [100, 101, 1_000]) {
    const { status, body } = await call('GET', `/v2/access-tokens?page=1&page_size=${size}`, bearer);
    findings.push([
      `page_size ${size}`,
      `status ${status}, ${Array.isArray(body.results) ? body.results.length : 'no'} of ${body.count}`,
    ]);
  }
  const { headers } = await call('GET', '/v2/access-tokens?page=1&page_size=1', bearer);
  findings.push(['requests per minute', `limit ${headers.get('x-ratelimit-limit') ?? 'not stated'}`]);
}

async function afterExpiry(bearer: string): Promise<void> {
  const { status, body } = await create(bearer, instant(Date.now() + 10_000));
  if (status >= 300) {
    findings.push(['an expired token in the list', 'not tried: so short an expiry is refused']);
    return;
  }
  await wait(15_000);
  const read = await call('GET', `/v2/access-tokens/${body.uuid}`, bearer);
  findings.push([
    'an expired token',
    `GET answers ${read.status}, is_active ${read.body.is_active}; registry accepts: ${await accepted(String(body.token))}`,
  ]);
}

const bearer = await logIn();
try {
  await expiry(bearer);
  await delays(bearer);
  await lists(bearer);
  await afterExpiry(bearer);
} finally {
  for (const id of made) await call('DELETE', `/v2/access-tokens/${id}`, bearer).catch(() => undefined);
}
const table = new Table({ head: ['question', `answer of ${new URL(hub).host}`], style: { head: [], border: [] } });
table.push(...findings);
console.log(table.toString());
console.log(`${made.size} tokens were made and deleted`);
