import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ACCOUNT, type Edition, leased, openEdition, problemOf, START_LIMIT_MS, until } from '../local/harness.ts';

const MAIN = resolve(import.meta.dirname, '../../scripts/aws-check/main.ts');

/** Starts the check as its owner does, against the embedded edition on the real clock. */
function start(edition: Edition, changes: Readonly<Record<string, string>> = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:HUBLEASE|AWS)_/.test(name));
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...Object.fromEntries(inherited),
      AWS_SHARED_CREDENTIALS_FILE: join(edition.dataFolder, 'credentials'),
      AWS_PROFILE: 'hublease-admin',
      AWS_EC2_METADATA_DISABLED: 'true',
      HUBLEASE_ENDPOINT: edition.endpoint,
      HUBLEASE_AWS_CHECK_TARGET: 'acme-bot',
      HUBLEASE_AWS_CHECK_TTL: '2s',
      // The profile is of another account, which the embedded edition lets in as it does every profile of its own.
      HUBLEASE_AWS_CHECK_CONSUMER_PROFILE: 'hublease-other',
      ...changes,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = once(child, 'close').then(([exitCode]) => exitCode as number | null);
  return { child, code, output: () => output };
}

/** Verdicts of the progress lines, by the check. */
function verdictsIn(output: string): Record<string, string> {
  const lines = output.matchAll(/^aws-check: (.+): (passed|failed|not shown)\. /gm);
  return Object.fromEntries([...lines].map(([, check, verdict]) => [check, verdict]));
}

async function expectNothingLeft({ admin, hub }: Edition): Promise<void> {
  expect(leased(hub).filter(({ live }) => live)).toEqual([]);
  expect((await admin.call('listSecrets')).body.items.map(({ name }) => name)).toEqual([]);
  const { items } = (await admin.call('listAllLeases', { query: { limit: '100' } })).body;
  expect(items.filter(({ status }) => status !== 'revoked')).toEqual([]);
}

describe('npm run aws-check against the embedded edition', { timeout: START_LIMIT_MS }, () => {
  let edition: Edition;
  beforeAll(async () => {
    edition = await openEdition();
    await edition.admin.call('putTarget', { name: 'acme-bot', body: { kind: 'user', credential: ACCOUNT } });
  }, START_LIMIT_MS);
  afterAll(() => edition?.close());

  it('passes the checks that both editions have, shows nothing of AWS, and leaves nothing', async () => {
    const run = start(edition);
    expect(await run.code, run.output()).toBe(0);
    const verdicts = verdictsIn(run.output());
    // A caller's unique id is of AWS; an edition may show one of its own.
    delete verdicts["The caller's unique id is shown, across accounts too"];
    expect(verdicts).toEqual({
      'A signed request mints a token': 'passed',
      'Another spelling of a path (%2F, case) mints nothing': 'passed',
      'An account that is no consumer is denied': 'not shown',
      'A consumer of another account is denied the admin routes': 'passed',
      'Every alarm notifies somebody and has data': 'not shown',
      'A lease ends on time': 'passed',
      'EventBridge Scheduler ran the job of the lease': 'not shown',
      'DynamoDB deleted a timer, and the revoker was started for it': 'not shown',
    });
    expect(run.output()).toContain('1 lease made and revoked, and the secret deleted.');
    expect(run.output()).not.toMatch(/dckr_/);
    await expectNothingLeft(edition);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('removes lease and secret on %s, and prints the table', async (signal) => {
    const run = start(edition, { HUBLEASE_AWS_CHECK_TTL: '10m' });
    await until('the run has minted', () => /mints a token: passed/.test(run.output()));
    expect(leased(edition.hub).filter(({ live }) => live)).toHaveLength(1);
    run.child.kill(signal);
    expect(await run.code, run.output()).toBe(3);
    expect(run.output()).toContain('The run was interrupted.');
    expect(run.output()).toContain('1 lease made and revoked, and the secret deleted.');
    await expectNothingLeft(edition);
  });

  it('names what is left where the cleanup is interrupted, too', async () => {
    const run = start(edition, { HUBLEASE_AWS_CHECK_TTL: '10m' });
    await until('the run has minted', () => /mints a token: passed/.test(run.output()));
    edition.hub.control.setFaults([{ route: 'pat-delete', kind: 'server-error' }]);
    onTestFinished(() => edition.hub.control.setFaults([]));
    run.child.kill('SIGINT');
    await until('the cleanup began', () => run.output().includes('removes what it made\n'));
    run.child.kill('SIGINT');
    expect(await run.code, run.output()).toBe(1);
    expect(run.output()).toMatch(/LEFT: lease [0-9A-Z]{26}\. Revoke it: hublease revoke/);
    expect(run.output()).toMatch(/LEFT: secret aws-check\/[a-z0-9]{8}, perhaps\. Delete it: hublease secrets delete/);
  });

  it('makes nothing where the target is not there', async () => {
    const run = start(edition, { HUBLEASE_AWS_CHECK_TARGET: 'nobody' });
    expect(await run.code).toBe(3);
    expect(run.output()).toContain('GET of target "nobody" answered 404 target_not_found');
    expect(run.output()).toContain('Nothing was made.');
    expect((await problemOf(edition.admin.call('getTarget', { name: 'nobody' }))).status).toBe(404);
  });

  it.each([
    ['no endpoint', { HUBLEASE_ENDPOINT: '' }, 'no hublease endpoint'],
    ['no target', { HUBLEASE_AWS_CHECK_TARGET: '' }, 'set HUBLEASE_AWS_CHECK_TARGET'],
    ['a target that would lead elsewhere', { HUBLEASE_AWS_CHECK_TARGET: '../secrets' }, 'is the name of a target'],
    ['a TTL of another form', { HUBLEASE_AWS_CHECK_TTL: 'soon' }, 'is a TTL'],
    ['a stack of another form', { HUBLEASE_AWS_CHECK_STACK: 'a b' }, 'is the name of a stack'],
    ['a wait of another form', { HUBLEASE_AWS_CHECK_SECONDS: '-1' }, 'is a whole number'],
  ])('does not start with %s', async (_, changes, text) => {
    const run = start(edition, changes);
    expect(await run.code).toBe(2);
    expect(run.output()).toContain(text);
  });
});
