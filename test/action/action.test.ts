import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { buildAction } from '../../scripts/build-action.ts';
import {
  type Edition,
  leased,
  listAll,
  mayPull,
  openEdition,
  setUp,
  tempFolder,
  until,
  untilTestEnds,
} from '../local/harness.ts';
import { type Ran, readAction, startStep } from './runner.ts';

const SECRET = { secret: 'ci/release' };

describe('the GitHub Action', () => {
  const built = tempFolder();
  let edition: Edition;
  let job: string;

  beforeAll(async () => {
    await buildAction(built.path);
    edition = await openEdition();
    await setUp(edition);
  });
  afterAll(async () => {
    await edition?.close();
    built.close();
  });
  beforeEach(() => {
    job = untilTestEnds(tempFolder()).path;
  });
  afterEach(async () => {
    const open = (await listAll(edition.ci)).filter(({ status }) => status !== 'revoked');
    for (const { id } of open) await edition.ci.call('revokeLease', { name: id });
  });

  /** What the step before leaves, which took the role. */
  function awsEnv(): Record<string, string> {
    const { accessKeyId, secretAccessKey } = edition.profiles['hublease-ci'];
    return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: 'eu-central-1' };
  }

  function start(
    part: 'main' | 'post',
    inputs: Record<string, string>,
    more: Partial<Pick<Ran, 'env' | 'state'>> = {},
  ) {
    const all = { endpoint: edition.endpoint, ...inputs };
    return startStep(built.path, part, job, {
      inputs: all,
      state: more.state ?? {},
      env: { ...awsEnv(), ...more.env },
    });
  }

  const main = (inputs: Record<string, string> = SECRET, env: Record<string, string> = {}) =>
    start('main', inputs, { env }).ended;
  const post = (before: Ran, inputs: Record<string, string> = SECRET) =>
    start('post', inputs, { state: before.state, env: before.env }).ended;

  function liveTokens() {
    return leased(edition.hub).filter(({ live }) => live);
  }

  async function statusOf(id: string | undefined): Promise<string | undefined> {
    return (await listAll(edition.ci)).find((lease) => lease.id === id)?.status;
  }

  /** What docker would find in the configuration that later steps are given. */
  function loginIn(folder = ''): { auths?: Record<string, { auth: string }>; credHelpers?: Record<string, string> } {
    return JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  }

  it('does not ask a proxy for hublease on this machine', async () => {
    let asked = 0;
    const proxy = createServer((_, res) => {
      asked += 1;
      res.end();
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    onTestFinished(() => void proxy.close());
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const before = await main(SECRET, { HTTP_PROXY: url, HTTPS_PROXY: url, NODE_USE_ENV_PROXY: '1' });
    expect({ code: before.code, asked }).toEqual({ code: 0, asked: 0 });
    expect((await post({ ...before, env: { ...before.env, HTTP_PROXY: url } })).stdout).toContain('is revoked');
    expect(asked).toBe(0);
  });

  it('is a Node 24 action, whose second part runs whatever became of the job', () => {
    const { runs } = readAction(built.path);
    expect(runs).toEqual({ using: 'node24', main: 'main.mjs', post: 'post.mjs', 'post-if': 'always()' });
  });

  it('leases, hands out a token that works, and says which lease it is', async () => {
    const { code, outputs, stderr } = await main({ ...SECRET, ttl: '45s', scope: 'repo:read', label: 'nightly' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Object.keys(outputs).sort()).toEqual(Object.keys(readAction(built.path).outputs).sort());
    expect(await mayPull(edition.hub, outputs.username as string, outputs.token as string)).toBe(true);
    const lease = (await listAll(edition.ci)).find(({ id }) => id === outputs['lease-id']);
    expect(lease).toMatchObject({
      status: 'active',
      scope: 'repo:read',
      ttlSeconds: 45,
      label: 'nightly',
      reason: 'https://github.com/acme/app/actions/runs/1234567890',
      expiresAt: outputs['expires-at'],
    });
  });

  it('masks the token and its base64 form before it says anything else, and shows neither anywhere but in its output', async () => {
    const { stdout, stderr, written, outputs } = await main();
    const token = outputs.token as string;
    const auth = Buffer.from(`${outputs.username}:${token}`).toString('base64');
    const [first, second, ...rest] = stdout.split('\n');
    expect([first, second]).toEqual([`::add-mask::${token}`, `::add-mask::${auth}`]);
    expect(rest.join('\n')).toMatch(/^hublease: leased \w{26} from ci\/release until \S+Z\n$/);
    for (const text of [...rest, stderr, written]) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(auth);
    }
  });

  it('writes a summary of the lease', async () => {
    const { summary, outputs } = await main();
    expect(summary).toContain(`| lease | \`${outputs['lease-id']}\` |`);
    expect(summary).toContain('| account | `acme-bot` |');
    expect(summary).toContain('| may | `repo:write` |');
    expect(summary).toContain('| leased as | `arn:aws:iam::111122223333:role/ci` |');
  });

  it('logs docker in for this job alone, and keeps what is configured besides Docker Hub', async () => {
    const home = join(job, 'home', '.docker');
    mkdirSync(join(home, 'cli-plugins'), { recursive: true });
    const own = { auths: { 'ghcr.io': { auth: 'b3RoZXI6b3RoZXI=' } }, credHelpers: { 'docker.io': 'other' } };
    writeFileSync(join(home, 'config.json'), JSON.stringify(own));
    const { env, outputs } = await main();
    const auth = Buffer.from(`${outputs.username}:${outputs.token}`).toString('base64');
    const { auths, credHelpers } = loginIn(env.DOCKER_CONFIG);
    expect(auths).toMatchObject({ ...own.auths, 'https://index.docker.io/v1/': { auth } });
    expect(credHelpers).toEqual({});
    expect(existsSync(join(env.DOCKER_CONFIG as string, 'cli-plugins'))).toBe(true);
    expect(readFileSync(env.REGISTRY_AUTH_FILE as string, 'utf8')).toContain(auth);
    expect(JSON.parse(readFileSync(join(home, 'config.json'), 'utf8'))).toEqual(own);
    expect(env.DOCKER_CONFIG?.startsWith(join(job, 'temp'))).toBe(true);
  });

  it('touches no configuration of docker when it is told so', async () => {
    const { env, outputs } = await main({ ...SECRET, 'docker-login': 'false' });
    expect(env).toEqual({});
    expect(outputs.token).toMatch(/^dckr_pat_/);
    expect(readdirSync(join(job, 'temp'))).toEqual([]);
  });

  it('revokes at the end of the job, and leaves the former configuration to the post steps that follow', async () => {
    const before = await main();
    const { code, stdout, stderr, env } = await post(before);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`hublease: lease ${before.outputs['lease-id']} is revoked\n`);
    expect(await statusOf(before.outputs['lease-id'])).toBe('revoked');
    expect(await mayPull(edition.hub, before.outputs.username as string, before.outputs.token as string)).toBe(false);
    expect(env).toEqual({ DOCKER_CONFIG: '', REGISTRY_AUTH_FILE: '' });
    expect(readdirSync(join(job, 'temp'))).toEqual([]);
  });

  it('revokes also when the main step failed after it had leased', async () => {
    mkdirSync(join(job, 'no-file'));
    const before = await main(SECRET, { GITHUB_OUTPUT: join(job, 'no-file') });
    expect(before.code).toBe(1);
    expect(before.stdout).toMatch(/^::add-mask::.+\n::add-mask::.+\n::error title=hublease::internal error: EISDIR\n$/);
    expect((await post(before)).stdout).toMatch(/^hublease: lease \w{26} is revoked\n$/);
    expect(liveTokens()).toEqual([]);
  });

  it('revokes at once when the post step could not learn of the lease', async () => {
    mkdirSync(join(job, 'no-file'));
    const before = await main(SECRET, { GITHUB_STATE: join(job, 'no-file') });
    expect(before.stdout).toBe('::error title=hublease::internal error: EISDIR\n');
    expect(liveTokens()).toEqual([]);
    expect(readdirSync(join(job, 'temp'))).toEqual([]);
  });

  it('knows of a token that was being made when the job was cancelled', async () => {
    edition.hub.control.setFaults([{ route: 'pat-create', kind: 'hold', count: 1 }]);
    const { child, ended } = start('main', SECRET);
    await until('Docker Hub is asked for a token', () => edition.hub.control.heldCount() === 1);
    child.kill('SIGINT');
    child.kill('SIGTERM');
    edition.hub.control.release();
    const before = await ended;
    expect(liveTokens()).toHaveLength(1);
    expect((await post(before)).stdout).toMatch(/^hublease: lease \w{26} is revoked\n$/);
  });

  it('warns, and fails no job, when the lease cannot be revoked now', async () => {
    const before = await main();
    const state = JSON.parse(before.state.hublease as string);
    const gone = { hublease: JSON.stringify({ ...state, endpoint: 'http://127.0.0.1:9/v1' }) };
    const { code, stdout } = await post({ ...before, state: gone });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^::warning title=hublease::lease \w{26} could not be revoked now. It ends by itself at \S+Z: /,
    );
    expect(readdirSync(join(job, 'temp'))).toEqual([]);
    await post(before);
  });

  describe('that cannot lease', () => {
    const cases: [string, Record<string, string>, Record<string, string>, RegExp][] = [
      [
        'has no endpoint',
        { ...SECRET, endpoint: '' },
        {},
        /not configured: no endpoint%0AGive this step "with: endpoint: …"/,
      ],
      ['has no secret', {}, {}, /not configured: no secret%0AGive this step "with: secret: …"/],
      [
        'has an endpoint that is none',
        { ...SECRET, endpoint: 'http://example.com/v1' },
        {},
        /"http:\/\/example.com\/v1" is not an https URL/,
      ],
      [
        'has a login that is neither on nor off',
        { ...SECRET, 'docker-login': 'maybe' },
        {},
        /the input "docker-login" is neither true nor false/,
      ],
      ['wants more time than there is', { ...SECRET, ttl: '9h' }, {}, /ttl/i],
      ['names a secret that is not there', { secret: 'ci/none' }, {}, /not found: .*ci\/none/],
      ['has a name that is none', { secret: '../admin' }, {}, /is not a valid name/],
      ['is not allowed', SECRET, { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE' }, /denied: /],
      [
        'has no AWS credentials',
        SECRET,
        { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' },
        /no AWS credentials/,
      ],
      ['is no step', SECRET, { GITHUB_STATE: '' }, /GITHUB_STATE is not set/],
    ];

    it.each(cases)('says why when it %s, and its post step is quiet', async (_, inputs, env, message) => {
      const before = await main(inputs, env);
      expect(before.code).toBe(1);
      expect(before.stdout).toMatch(/^::error title=hublease::.+\n$/);
      expect(before.stdout).toMatch(message);
      expect(before.stderr).toBe('');
      expect(before.written).toBe('');
      expect(await post(before, inputs)).toMatchObject({ code: 0, stdout: '', stderr: '', written: '' });
      expect(readdirSync(join(job, 'temp'))).toEqual([]);
    });

    it('touches no broken configuration of docker, and makes no token for it', async () => {
      mkdirSync(join(job, 'home', '.docker'), { recursive: true });
      writeFileSync(join(job, 'home', '.docker', 'config.json'), '{ broken');
      const made = leased(edition.hub).length;
      expect((await main()).stdout).toMatch(/^::error title=hublease::.*config\.json is not a JSON object/);
      expect(leased(edition.hub).length).toBe(made);
    });
  });
});
