import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

const APP = `
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Hublease } from 'hublease';

const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Registry');
const hublease = new Hublease(stack, 'Hublease', {
  consumers: { accounts: ['111122223333'] },
  defaultTtl: Duration.minutes(15),
  maxTtl: Duration.hours(1),
  sweepInterval: Duration.minutes(5),
  auditRetention: Duration.days(30),
});
hublease.addTarget('acme-bot', {
  credential: Secret.fromSecretCompleteArn(stack, 'Bot', 'arn:aws:secretsmanager:us-east-1:000000000000:secret:acme-bot-AbCdEf'),
  kind: 'user',
});
const release = hublease.addDynamicSecret('ci/release', {
  target: 'acme-bot',
  scope: 'repo:write',
  allow: ['arn:aws:iam::111122223333:role/ci*'],
});
release.grantLease(new Role(stack, 'Ci', { assumedBy: new (await import('aws-cdk-lib/aws-iam')).AccountRootPrincipal() }));
app.synth();
`;

const CONSUMER = `
import { hubleaseClient, ProblemError } from 'hublease/client';
import { Hublease, type HubleaseProps } from 'hublease';

const client = hubleaseClient({ endpoint: 'https://x/v1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
export async function lease(): Promise<string> {
  const { body } = await client.call('mintLease', { name: 'ci/release' });
  const expires: string = body.lease.expiresAt;
  // @ts-expect-error there is no such operation
  await client.call('mintEverything');
  return expires;
}
export const props: HubleaseProps = {};
export { Hublease, ProblemError };
`;

/** It builds, packs, installs and synthesizes for real. */
const SLOW = { timeout: 240_000 };

describe('the packed package', SLOW, () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hublease-package-'));
    const built = join(folder, 'built');
    await run(process.execPath, [join(ROOT, 'scripts/build.ts'), built], { cwd: ROOT });
    const { stdout } = await run('npm', ['pack', built, '--pack-destination', folder, '--json'], { cwd: folder });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    const app = join(folder, 'app');
    mkdirSync(join(app, 'node_modules'), { recursive: true });
    writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
    await run('npm', ['install', '--offline', '--ignore-scripts', '--legacy-peer-deps', join(folder, filename)], {
      cwd: app,
    });
    // What the app would have of its own accord.
    for (const name of ['aws-cdk-lib', 'constructs', 'zod', '@types/node']) {
      mkdirSync(dirname(join(app, 'node_modules', name)), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
    }
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gives a fresh CDK app the construct, with its functions prebuilt', async () => {
    const app = join(folder, 'app');
    writeFileSync(join(app, 'app.mjs'), APP);
    await run(process.execPath, ['app.mjs'], { cwd: app });
    const template = JSON.parse(readFileSync(join(app, 'cdk.out/Registry.template.json'), 'utf8'));
    const resources = Object.values(template.Resources) as { Type: string; Properties: { Handler?: string } }[];
    const functions = resources.filter(
      ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties.Handler === 'index.handler',
    );
    expect(functions.length).toBeGreaterThanOrEqual(5);
    expect(resources.filter(({ Type }) => Type === 'AWS::ApiGateway::RestApi')).toHaveLength(1);
  });

  it('type-checks for who uses the construct and the client', async () => {
    const app = join(folder, 'app');
    writeFileSync(join(app, 'consumer.ts'), CONSUMER);
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
      '--skipLibCheck',
    ];
    await run(join(ROOT, 'node_modules/.bin/tsc'), [...flags, 'consumer.ts'], { cwd: app }).catch((error) => {
      throw new Error((error as { stdout: string }).stdout);
    });
  });

  it.each([
    ['hublease', ['--version'], /^\d+\.\d+\.\d+\n$/],
    ['docker-credential-hublease', ['version'], /^docker-credential-hublease \d+\.\d+\.\d+\n$/],
  ])('puts %s on the PATH', async (program, args, answer) => {
    const { stdout } = await run(join(folder, 'app/node_modules/.bin', program), args, { cwd: folder });
    expect(stdout).toMatch(answer);
  });

  it('says what it needs where Node is too old for it', async () => {
    const old = await run('node', ['--version'], { env: { PATH: '/usr/local/bin:/usr/bin:/bin' } }).catch(
      () => undefined,
    );
    const major = Number(/^v(\d+)/.exec(old?.stdout ?? '')?.[1] ?? Number.NaN);
    // Only where the machine has such a Node beside the installed one.
    if (!(major < 22)) return;
    const command = run('node', [join(folder, 'app/node_modules/hublease/cli/hublease.js'), '--version'], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    await expect(command).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('needs Node 22.19 or newer'),
    });
  });

  it('has a client that needs nothing else', async () => {
    const app = join(folder, 'app');
    const code = "import('hublease/client').then((m) => console.log(typeof m.hubleaseClient))";
    expect((await run(process.execPath, ['-e', code], { cwd: app })).stdout).toBe('function\n');
  });
});
