import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { clientsOf, profilesOf, START_LIMIT_MS, tempFolder, untilTestEnds } from '../local/harness.ts';
import { bearerOf, call, createPat, exchange, NOON_MS, openFake, type TestHub } from './client.ts';

const HELLO = '/v2/demo/hello';
const PULL_HELLO = 'repository:demo/hello:pull';
const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';

/** The digest of the image. It must not change: documents may quote it. */
const DIGEST = 'sha256:cb8a1d6c37459c2a7fc25a2fffb0f611e12733677f70ff68759b9de40542ea3e';

const DEMO = { accounts: [{ username: 'demo', password: 'demo-password' }] };

/** A bearer of the registry for the login, which may do what the scope says at most. */
async function registryBearer(hub: { url: string }, username: string, secret: string, scope = PULL_HELLO) {
  return (await exchange(hub, username, secret, scope)).body.token as string;
}

async function openWithToken(scopes = ['repo:read']): Promise<{ hub: TestHub; token: string; uuid: string }> {
  const hub = await openFake(DEMO);
  const { token, uuid } = (await createPat(hub, await bearerOf(hub, 'demo'), { scopes })).body;
  return { hub, token, uuid };
}

/** Pulls the image with the login as a client does: challenge, exchange, manifest, blobs. Returns its one file. */
async function pullByFetch(url: string, username: string, secret: string): Promise<string> {
  const challenge = await fetch(`${url}${HELLO}/manifests/latest`);
  const { realm, service, scope } = challengeOf(challenge.headers.get('www-authenticate'));
  const basic = Buffer.from(`${username}:${secret}`).toString('base64');
  const query = new URLSearchParams({ service: service ?? '', scope: scope ?? '' });
  const exchanged = await fetch(`${realm}?${query}`, { headers: { authorization: `Basic ${basic}` } });
  const { token } = (await exchanged.json()) as { token: string };
  const get = async (path: string) => {
    const response = await fetch(`${url}${HELLO}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    const content = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`the pull ended with ${response.status}`);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    expect(response.headers.get('docker-content-digest')).toBe(digest);
    return content;
  };
  const manifest = JSON.parse((await get('manifests/latest')).toString());
  const config = await get(`blobs/${manifest.config.digest}`);
  const layer = await get(`blobs/${manifest.layers[0].digest}`);
  expect([config.length, layer.length]).toEqual([manifest.config.size, manifest.layers[0].size]);
  const tar = gunzipSync(layer);
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  expect(JSON.parse(config.toString()).rootfs.diff_ids).toEqual([diffId]);
  const bytes = Number.parseInt(tar.subarray(124, 135).toString(), 8);
  return tar.subarray(512, 512 + bytes).toString();
}

function challengeOf(header: string | null): Record<string, string> {
  expect(header).toMatch(/^Bearer /);
  const fields = [...(header ?? '').matchAll(/([a-z]+)="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name, value]) => [name, value]));
}

describe('the registry of the fake Docker Hub', () => {
  test('asks for a bearer of its own fake, for the repository that is wanted', async () => {
    const hub = await openFake(DEMO);
    const ping = await call(hub, 'GET', '/v2/');
    expect(ping.status).toBe(401);
    expect(ping.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
    const realm = `${hub.url}/token`;
    expect(challengeOf(ping.headers.get('www-authenticate'))).toEqual({ realm, service: 'registry.docker.io' });
    const manifest = await call(hub, 'GET', `${HELLO}/manifests/latest`);
    expect([manifest.status, manifest.body.errors[0].code]).toEqual([401, 'UNAUTHORIZED']);
    expect(challengeOf(manifest.headers.get('www-authenticate'))).toEqual({
      realm,
      service: 'registry.docker.io',
      scope: PULL_HELLO,
    });
  });

  test('serves one image, always of the same digest, by tag and by digest', async () => {
    const { hub, token } = await openWithToken();
    const bearer = await registryBearer(hub, 'demo', token);
    const byTag = await call(hub, 'GET', `${HELLO}/manifests/latest`, { bearer });
    expect(byTag.headers.get('content-type')).toBe(MANIFEST_TYPE);
    expect(byTag.headers.get('docker-content-digest')).toBe(DIGEST);
    expect((await call(hub, 'GET', `${HELLO}/manifests/${DIGEST}`, { bearer })).text).toBe(byTag.text);
    expect((await call(hub, 'GET', '/v2/', { bearer })).status).toBe(200);
    expect((await call(hub, 'GET', `${HELLO}/tags/list`, { bearer })).body).toEqual({
      name: 'demo/hello',
      tags: ['latest'],
    });
    expect(await pullByFetch(hub.url, 'demo', token)).toBe(
      'This image was pulled from the fake Docker Hub of hublease.\n',
    );
  });

  test('answers HEAD as GET, without the body', async () => {
    const { hub, token } = await openWithToken();
    const bearer = await registryBearer(hub, 'demo', token);
    for (const path of ['/v2/', `${HELLO}/manifests/latest`, `${HELLO}/tags/list`]) {
      const got = await call(hub, 'GET', path, { bearer });
      const head = await call(hub, 'HEAD', path, { bearer });
      expect([head.status, head.text]).toEqual([200, '']);
      expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(got.text)));
      expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'));
      expect(head.headers.get('docker-content-digest')).toBe(got.headers.get('docker-content-digest'));
    }
    expect((await call(hub, 'HEAD', `${HELLO}/manifests/latest`)).status).toBe(401);
  });

  test('has nothing else, and takes nothing', async () => {
    const { hub, token } = await openWithToken(['repo:admin']);
    const bearer = await registryBearer(
      hub,
      'demo',
      token,
      'repository:demo/hello:pull,push repository:demo/none:pull',
    );
    for (const [path, code] of [
      [`${HELLO}/manifests/2`, 'MANIFEST_UNKNOWN'],
      [`${HELLO}/blobs/sha256:${'0'.repeat(64)}`, 'BLOB_UNKNOWN'],
      ['/v2/demo/none/manifests/latest', 'NAME_UNKNOWN'],
    ]) {
      const reply = await call(hub, 'GET', path ?? '', { bearer });
      expect([reply.status, reply.body.errors[0].code]).toEqual([404, code]);
    }
    expect((await call(hub, 'PUT', `${HELLO}/manifests/latest`, { bearer, body: {} })).status).toBe(405);
    expect((await call(hub, 'DELETE', `${HELLO}/manifests/${DIGEST}`, { bearer })).status).toBe(405);
  });

  test('refuses a bearer for something else, one without the right to pull, and one that has run out', async () => {
    const { hub, token } = await openWithToken(['repo:public_read']);
    const path = `${HELLO}/manifests/latest`;
    const errorOf = async (bearer: string) => {
      const reply = await call(hub, 'GET', path, { bearer });
      return [reply.status, challengeOf(reply.headers.get('www-authenticate')).error];
    };
    expect(await errorOf(await registryBearer(hub, 'demo', token))).toEqual([401, 'insufficient_scope']);
    const other = await registryBearer(hub, 'demo', 'demo-password', 'repository:demo/other:pull');
    expect(await errorOf(other)).toEqual([401, 'insufficient_scope']);
    expect(await errorOf(await bearerOf(hub, 'demo'))).toEqual([401, 'invalid_token']);
    const own = await registryBearer(hub, 'demo', 'demo-password');
    expect((await call(hub, 'GET', path, { bearer: own })).status).toBe(200);
    hub.advance(300_000);
    expect(await errorOf(own)).toEqual([401, 'invalid_token']);
  });

  test('goes on for a bearer after its token is deleted, and gives no other', async () => {
    const { hub, token, uuid } = await openWithToken();
    const bearer = await registryBearer(hub, 'demo', token);
    await call(hub, 'DELETE', `/v2/access-tokens/${uuid}`, { bearer: await bearerOf(hub, 'demo') });
    expect((await call(hub, 'GET', `${HELLO}/manifests/latest`, { bearer })).status).toBe(200);
    await expect(pullByFetch(hub.url, 'demo', token)).rejects.toThrow('the pull ended with 401');
  });

  test('may have its image elsewhere, where it is public too', async () => {
    const hub = await openFake({ images: ['acme/site'] });
    const anonymous = (await call(hub, 'GET', '/token?scope=repository:acme/site:pull')).body.token;
    expect((await call(hub, 'GET', '/v2/acme/site/manifests/latest', { bearer: anonymous })).status).toBe(200);
    expect((await call(hub, 'GET', `${HELLO}/manifests/latest`, { bearer: anonymous })).status).toBe(401);
  });

  test('is no part of the API: neither its limits nor its challenges are the registry’s', async () => {
    const { hub, token } = await openWithToken();
    hub.control.set({ rateLimitPerMinute: 0, apiChallenge: true, contentType: 'text' });
    expect(await pullByFetch(hub.url, 'demo', token)).toMatch(/^This image/);
    expect(hub.control.calls().routes).toMatchObject({
      'registry-manifest': 2,
      'registry-blob': 2,
      'registry-token': 1,
    });
    expect(hub.control.tokens()).toMatchObject([{ lastUsedAtMs: NOON_MS }]);
  });
});

/**
 * Says whether skopeo can be run.
 *
 * @throws Error where the tiers are mandatory (`HUBLEASE_REQUIRE_TIERS=1`, as in CI).
 */
function canRunSkopeo(): boolean {
  const isThere = spawnSync('skopeo', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!isThere && process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error('skopeo is not installed');
  if (!isThere) process.stderr.write('skipped: a pull by skopeo, which is not installed\n');
  return isThere;
}

/** Runs skopeo with a home of its own, the login in a file: a secret does not belong on a command line. */
async function skopeo(folder: string, hubUrl: string, login: string, args: readonly string[]) {
  const { host } = new URL(hubUrl);
  const authFile = join(folder, 'auth.json');
  const auths = { [host]: { auth: Buffer.from(login).toString('base64') } };
  writeFileSync(authFile, JSON.stringify({ auths }), { mode: 0o600 });
  const child = spawn('skopeo', [...args], {
    env: { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder, REGISTRY_AUTH_FILE: authFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output };
}

describe('a lease of the embedded edition', { timeout: START_LIMIT_MS }, () => {
  /** The edition with its bundled fake, and a lease of `demo/pull`. */
  async function leaseFromBundled() {
    const folder = untilTestEnds(tempFolder()).path;
    const data = join(folder, 'data');
    const edition = await spawnEmbedded(['--port', '0', '--data', data]);
    untilTestEnds({ close: () => edition.end('SIGKILL') });
    const { 'hublease-ci': ci } = clientsOf(edition, await profilesOf(data));
    const { lease, credential } = (await ci.call('mintLease', { name: 'demo/pull', body: { ttl: '5m' } })).body;
    if (!('password' in credential)) throw new Error('demo/pull has no protection key');
    const revoke = () => ci.call('revokeLease', { name: lease.id });
    return { folder, hubUrl: edition.hub, login: credential, revoke };
  }

  test('pulls the image of the bundled fake', async () => {
    const { hubUrl, login } = await leaseFromBundled();
    expect(await pullByFetch(hubUrl, login.username, login.password)).toMatch(/^This image was pulled/);
  });

  test.skipIf(!canRunSkopeo())('pulls it with skopeo, until it is revoked', async () => {
    const { folder, hubUrl, login, revoke } = await leaseFromBundled();
    const pair = `${login.username}:${login.password}`;
    const image = `docker://${new URL(hubUrl).host}/demo/hello`;
    const inspect = ['inspect', '--tls-verify=false', image];
    const copy = ['copy', '--src-tls-verify=false', image, `dir:${join(folder, 'pulled')}`];
    const inspected = await skopeo(folder, hubUrl, pair, inspect);
    expect(inspected.code, inspected.output).toBe(0);
    expect(JSON.parse(inspected.output)).toMatchObject({ Digest: DIGEST, RepoTags: ['latest'] });
    const copied = await skopeo(folder, hubUrl, pair, copy);
    expect(copied.code, copied.output).toBe(0);
    const manifest = readFileSync(join(folder, 'pulled', 'manifest.json'));
    expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(DIGEST);
    await revoke();
    const refused = await skopeo(folder, hubUrl, pair, inspect);
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('incorrect username or password')]);
  });
});
