import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  CI_ARN,
  type Edition,
  type LeaseView,
  listAll,
  openEdition,
  setUp,
  tempFolder,
  untilTestEnds,
} from './local/harness.ts';
import { blocksOf, openSnippetShell, type SnippetShell } from './snippet-shell.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8');
const ACTION = parse(readFileSync(join(ROOT, 'action/action.yml'), 'utf8'));
/** Each command of a snippet starts Node and loads the AWS SDK. */
const MAX_TEST_MS = 60_000;

// biome-ignore lint/suspicious/noExplicitAny: each CI system has a form of its own.
function snippet(heading: string): any {
  const block = blocksOf(PAGE, 'yaml').find(([above]) => above === heading);
  return parse(block?.[1] ?? '');
}

/** A snippet's script, and the variables that it sets, as its CI system takes them out of it. */
interface Job {
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** The shell's, as the CI system starts it. */
  readonly flags: string;
  /** What the CI system adds. */
  readonly given: Readonly<Record<string, string>>;
  /** The variable with the address of the run. */
  readonly run: string;
  readonly idToken: boolean;
}

const RUN = 'https://ci.example.com/acme/app/17';

function gitlab(): Job {
  const { script, variables, id_tokens } = snippet('GitLab CI').release;
  const given = Object.fromEntries(Object.keys(id_tokens).map((name) => [name, 'the-id-token']));
  return { script: script.join('\n'), env: variables, flags: '-eo pipefail', given, run: 'CI_JOB_URL', idToken: true };
}

function jenkins(): Job {
  const [[, text = ''] = []] = blocksOf(PAGE, 'groovy');
  const env = Object.fromEntries(
    [...text.matchAll(/^ {4}([A-Z_]+) = '(.+)'$/gm)].map(([, name, value]) => [name, value]),
  );
  const script = /sh '''\n([\s\S]*?)'''/.exec(text)?.[1] ?? '';
  return { script, env, flags: '-xe', given: {}, run: 'BUILD_URL', idToken: false };
}

function codeBuild(): Job {
  const { env, phases } = snippet('AWS CodeBuild');
  const script = phases.build.commands.join('\n');
  return { script, env: env.variables, flags: '-e', given: {}, run: 'CODEBUILD_BUILD_ARN', idToken: false };
}

function buildkite(): Job {
  const [{ commands, env }] = snippet('Buildkite').steps;
  const script = commands.join('\n').replaceAll('$$', '$');
  return { script, env, flags: '-e', given: {}, run: 'BUILDKITE_BUILD_URL', idToken: true };
}

function circle(): Job {
  const { environment, steps } = snippet('CircleCI').jobs.release;
  const { command } = steps.find((step: { run?: object }) => step.run !== undefined).run;
  const given = { CIRCLE_OIDC_TOKEN_V2: 'the-id-token' };
  return { script: command, env: environment, flags: '-eo pipefail', given, run: 'CIRCLE_BUILD_URL', idToken: true };
}

describe('the page on CI', { timeout: MAX_TEST_MS }, () => {
  let edition: Edition;
  let shell: SnippetShell;

  beforeAll(async () => {
    edition = await openEdition();
    await setUp(edition, '1h');
    const pull = { target: 'acme-bot', scope: 'repo:read', defaultTtl: '15m', maxTtl: '1h', allow: [CI_ARN] };
    await edition.admin.call('putSecret', { name: 'ci/pull', body: pull });
  });
  afterAll(() => edition?.close());
  beforeEach(() => {
    shell = openSnippetShell(edition, untilTestEnds(tempFolder()).path);
  });

  /** The leases that were made meanwhile, as they stand after it. */
  async function leasesMadeBy(work: () => Promise<void>): Promise<readonly LeaseView[]> {
    const before = new Set((await listAll(edition.ci)).map(({ id }) => id));
    await work();
    return (await listAll(edition.ci)).filter(({ id }) => !before.has(id));
  }

  it.each([
    ['GitLab CI', gitlab],
    ['Jenkins', jenkins],
    ['AWS CodeBuild', codeBuild],
    ['Buildkite', buildkite],
    ['CircleCI', circle],
  ])('has a snippet for %s whose script pushes with a token that ends with it', async (_, jobOf) => {
    const { script, env, flags, given, run, idToken } = jobOf();
    expect(env.HUBLEASE_ENDPOINT).toBe('https://API_ID.execute-api.us-east-1.amazonaws.com/v1');
    const leases = await leasesMadeBy(async () => {
      const { code, stdout, stderr } = await shell.run(script, { ...env, ...given, [run]: RUN }, flags);
      expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '' });
    });
    expect(leases).toMatchObject([{ secret: 'ci/release', status: 'revoked', reason: RUN }]);
    const call = { args: ['build', '--tag', 'acme/app:latest', '--push', '.'], username: 'acme-bot', accepted: true };
    expect(shell.dockerCalls()).toEqual([idToken ? { ...call, idToken: { text: 'the-id-token', mode: '600' } } : call]);
  });

  it('has a snippet for GitHub that the Action understands, behind the step that takes the role', () => {
    const { permissions, jobs } = snippet('GitHub Actions');
    expect(permissions['id-token']).toBe('write');
    const steps: { uses?: string; with?: Record<string, unknown>; run?: string }[] = jobs.release.steps;
    const at = steps.findIndex(({ uses }) => uses?.includes('hublease'));
    expect(steps.findIndex(({ uses }) => uses?.startsWith('aws-actions/configure-aws-credentials@'))).toBeLessThan(at);
    expect(Object.keys(ACTION.inputs)).toEqual(expect.arrayContaining(Object.keys(steps[at]?.with ?? {})));
    expect(steps.slice(at + 1).some(({ run }) => run?.startsWith('docker build'))).toBe(true);
  });

  it('names every input and output of the Action, and what makes it', () => {
    for (const name of [...Object.keys(ACTION.inputs), ...Object.keys(ACTION.outputs)])
      expect(PAGE).toContain(`\`${name}\``);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const named = [...PAGE.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  const [several, variable, helper] = blocksOf(PAGE, 'bash run').map(([, text]) => text) as [string, string, string];

  it('has a script of several commands that share one token', async () => {
    const leases = await leasesMadeBy(async () => expect((await shell.run(several)).code).toBe(0));
    expect(leases).toMatchObject([{ secret: 'ci/release', status: 'revoked', ttlSeconds: 1_800 }]);
    expect(shell.dockerCalls()).toMatchObject([
      { args: ['build', '--tag', 'acme/app:1.2.3', '.'], accepted: true },
      { args: ['push', 'acme/app:1.2.3'], accepted: true },
    ]);
  });

  it('has a script that takes the token into a variable and revokes it at the end', async () => {
    const leases = await leasesMadeBy(async () => {
      const { code, stdout } = await shell.run(variable);
      expect(code).toBe(0);
      expect(stdout).not.toContain('dckr_pat_');
    });
    expect(leases).toMatchObject([{ secret: 'ci/pull', status: 'revoked', ttlSeconds: 300 }]);
    expect(shell.dockerCalls()).toMatchObject([
      { args: ['login', '--username', 'acme-bot', '--password-stdin'], accepted: true },
      { args: ['pull', 'acme/app:latest'], accepted: true },
    ]);
  });

  it('has a setup after which docker asks by itself', async () => {
    const leases = await leasesMadeBy(async () => expect((await shell.run(helper)).code).toBe(0));
    expect(leases).toMatchObject([{ secret: 'ci/pull', status: 'active' }]);
    expect(shell.dockerCalls()).toMatchObject([{ args: ['pull', 'acme/app:latest'], accepted: true }]);
  });

  it('has no script besides those that were run here', () => {
    expect(blocksOf(PAGE, 'bash')).toEqual([]);
    expect(blocksOf(PAGE, 'sh')).toEqual([]);
    expect(blocksOf(PAGE, 'bash run')).toHaveLength(3);
    expect(blocksOf(PAGE, 'yaml').map(([heading]) => heading)).toEqual([
      'GitHub Actions',
      'GitLab CI',
      'AWS CodeBuild',
      'Buildkite',
      'CircleCI',
    ]);
  });
});
