import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { kubeletCredentials } from '../../cli/kubelet-credentials.ts';
import { cacheFileOf, clocksNow, writeLease } from '../../cli/lease-cache.ts';
import {
  type Edition,
  type Ended,
  listAll,
  mayPull,
  openEdition,
  setUp,
  tempFolder,
  untilTestEnds,
} from '../local/harness.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/kubelet-credential-provider.ts', import.meta.url));
const API = 'credentialprovider.kubelet.k8s.io/v1';

function requestFor(image: string, more: object = {}): string {
  return JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion: API, image, ...more });
}

describe('the kubelet credential provider', () => {
  let edition: Edition;
  let home: string;

  beforeAll(async () => {
    edition = await openEdition();
    await setUp(edition, '15m');
  });
  afterAll(() => edition?.close());
  beforeEach(() => {
    home = untilTestEnds(tempFolder()).path;
  });

  /** As the CredentialProviderConfig sets it. */
  function environment(): Record<string, string> {
    const { accessKeyId, secretAccessKey } = edition.profiles['hublease-ci'];
    return {
      HOME: home,
      HUBLEASE_ENDPOINT: edition.endpoint,
      HUBLEASE_SECRET: 'ci/release',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
  }

  async function ask(text: string, env: Readonly<Record<string, string>> = environment()): Promise<Ended> {
    let [stdout, stderr] = ['', ''];
    const code = await kubeletCredentials({
      out: (more) => {
        stdout += more;
      },
      err: (more) => {
        stderr += more;
      },
      readAll: async () => text,
      env,
      outIsTerminal: false,
      errIsTerminal: false,
      nowMs: Date.now,
    });
    return { code, stdout, stderr };
  }

  /** Keeps a lease of 15 minutes that was taken so long ago. */
  function keepLease(ageMs: number): void {
    const env = environment();
    const place = { endpoint: edition.endpoint, secret: 'ci/release' };
    const { wallMs, uptimeMs } = clocksNow();
    const login = { leaseId: 'kept', username: 'acme-bot', password: 'kept-token', ttlMs: 900_000 };
    writeLease(cacheFileOf(env, place), { ...login, wallMs: wallMs - ageMs, uptimeMs: uptimeMs - ageMs });
  }

  it('answers a request for an image on Docker Hub with a login that works, as a program of its own', async () => {
    // The program asks AWS' own chain, which goes by its environment.
    const child = spawn(process.execPath, [PROGRAM], { env: environment(), stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdin.end(requestFor('docker.io/acme-bot/app:1'));
    let stdout = '';
    for await (const part of child.stdout) stdout += part;
    const answer = JSON.parse(stdout);
    expect(answer).toEqual({
      kind: 'CredentialProviderResponse',
      apiVersion: API,
      cacheKeyType: 'Registry',
      cacheDuration: expect.stringMatching(/^\d+s$/),
      auth: { 'docker.io': { username: 'acme-bot', password: expect.stringMatching(/^dckr_pat_/) } },
    });
    expect(await mayPull(edition.hub, 'acme-bot', answer.auth['docker.io'].password)).toBe(true);
    const seconds = Number.parseInt(answer.cacheDuration, 10);
    expect(seconds).toBeGreaterThan(600);
    expect(seconds).toBeLessThanOrEqual(675);
  });

  it.each([
    [0, 675],
    [300_000, 375],
    [674_000, 1],
  ])('lets the kubelet keep a lease of 15 minutes that is %i ms old for some %i s', async (ageMs, keptSeconds) => {
    keepLease(ageMs);
    const answer = JSON.parse((await ask(requestFor('docker.io/acme-bot/app:1'))).stdout);
    expect(answer.auth['docker.io'].password).toBe('kept-token');
    const seconds = Number.parseInt(answer.cacheDuration, 10);
    expect(seconds).toBeLessThanOrEqual(keptSeconds);
    expect(seconds).toBeGreaterThanOrEqual(Math.max(0, keptSeconds - 5));
  });

  it('lets the kubelet keep nothing that is near its end, and hands it out when no other can be had', async () => {
    const env = { ...environment(), HUBLEASE_ENDPOINT: 'http://127.0.0.1:9/v1' };
    const { wallMs, uptimeMs } = clocksNow();
    const login = { leaseId: 'kept', username: 'acme-bot', password: 'kept-token', ttlMs: 900_000 };
    const file = cacheFileOf(env, { endpoint: env.HUBLEASE_ENDPOINT, secret: 'ci/release' });
    writeLease(file, { ...login, wallMs: wallMs - 800_000, uptimeMs: uptimeMs - 800_000 });
    const answer = JSON.parse((await ask(requestFor('docker.io/acme-bot/app:1'), env)).stdout);
    expect(answer).toMatchObject({ cacheDuration: '0s', auth: { 'docker.io': { password: 'kept-token' } } });
  });

  it.each(['acme-bot/app', 'nginx', 'docker.io/library/nginx:1@sha256:00', 'index.docker.io/acme-bot/app'])(
    'knows %s for an image on Docker Hub',
    async (image) => {
      keepLease(0);
      expect(JSON.parse((await ask(requestFor(image))).stdout).auth).toHaveProperty(['docker.io']);
    },
  );

  it.each(['ghcr.io/acme/app:1', 'docker.io.example.com/acme/app', 'localhost/app', 'registry:5000/app'])(
    'takes no lease for %s, and gives nothing for it',
    async (image) => {
      const before = (await listAll(edition.ci)).length;
      expect(await ask(requestFor(image))).toMatchObject({ code: 0, stderr: '' });
      const { stdout } = await ask(requestFor(image));
      expect(JSON.parse(stdout)).toMatchObject({ cacheDuration: '0s', auth: null });
      expect((await listAll(edition.ci)).length).toBe(before);
    },
  );

  it('ignores what newer kubelets add to a request', async () => {
    keepLease(0);
    const text = requestFor('acme-bot/app', { serviceAccountToken: 'jwt', serviceAccountAnnotations: { a: 'b' } });
    const { code, stdout, stderr } = await ask(text);
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain('jwt');
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'get'],
    ['null', 'null'],
    ['another version', requestFor('nginx', { apiVersion: 'credentialprovider.kubelet.k8s.io/v1alpha1' })],
    ['another kind', requestFor('nginx', { kind: 'CredentialProviderResponse' })],
    ['no image', requestFor('nginx', { image: null })],
  ])('refuses %s, and says what it wants', async (_, text) => {
    const { code, stdout, stderr } = await ask(text);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^hublease: standard input is not a CredentialProviderRequest/);
  });

  it('says the cause where no lease can be had, with an exit code of its own', async () => {
    expect(await ask(requestFor('nginx'), { HOME: home })).toEqual({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^hublease: not configured: no hublease endpoint\n {2}Set HUBLEASE_ENDPOINT/),
    });
    expect(readdirSync(home)).toEqual([]);
  });
});
