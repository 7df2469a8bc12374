import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

/** Whatever runs in CI or is installed is named by its content, and code from a fork gets no rights. */

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly if?: string;
  readonly container?: { readonly image: string; readonly options?: string };
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const WORKFLOWS = globSync('.github/workflows/*.yml', { cwd: ROOT });
const REQUIREMENTS = globSync('test/*/requirements.txt', { cwd: ROOT });
const OF_THE_REPOSITORY = 'github.event.pull_request.head.repo.full_name == github.repository';

describe('the lock file', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { integrity?: string; inBundle?: boolean; link?: boolean }>;
  };

  it('has the SHA-512 of every package that does not come inside another one', () => {
    const installed = Object.entries(packages).filter(
      ([path, { inBundle, link }]) => path !== '' && !inBundle && !link,
    );
    expect(installed.length).toBeGreaterThan(100);
    const without = installed.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
    expect(without.map(([path]) => path)).toEqual([]);
  });
});

describe('package.json', () => {
  it('pins every version exactly', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const versions = Object.entries({ ...dependencies, ...devDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

describe.each(REQUIREMENTS)('%s', (path) => {
  it('pins each Python package exactly, with its hashes', () => {
    const entries = read(path)
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => /^\w/.test(line));
    expect(entries.length).toBeGreaterThan(5);
    expect(entries.filter((line) => !/^[\w.[\]-]+==\S+( ;[^-]*)?\s+--hash=sha256:[0-9a-f]{64}/.test(line))).toEqual([]);
  });
});

describe('.ci/run', () => {
  it('installs no Python package without its hash', () => {
    const lines = read('.ci/run').replaceAll('\\\n', ' ').split('\n');
    const installs = lines.filter((line) => line.includes('/pip install'));
    expect(installs.length).toBeGreaterThan(0);
    expect(installs.filter((line) => !line.includes('--require-hashes'))).toEqual([]);
  });
});

describe.each(WORKFLOWS)('%s', (path) => {
  const text = read(path);
  const workflow = parse(text) as Workflow;
  const jobs = Object.entries(workflow.jobs);

  it('names each action by its commit, and says which version that is', () => {
    const uses = text.split('\n').filter((line) => /\buses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it('names each image by its digest', () => {
    for (const [, { container }] of jobs) {
      if (container !== undefined) expect(container.image).toMatch(/@sha256:[0-9a-f]{64}$/);
    }
  });

  it('may only read, but where one job needs more', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const [, { permissions = {} }] of jobs) {
      const written = Object.keys(permissions).filter((scope) => permissions[scope] === 'write');
      expect(['security-events', 'id-token']).toEqual(expect.arrayContaining(written));
    }
  });

  it('leaves no token of GitHub in the checkout', () => {
    const checkouts = jobs.flatMap(([, { steps }]) =>
      steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')),
    );
    for (const { with: inputs } of checkouts) expect(inputs).toMatchObject({ 'persist-credentials': false });
  });

  it('gives no privilege to code from a fork, nor the rights of the repository', () => {
    expect(workflow.on).not.toHaveProperty('pull_request_target');
    expect(workflow.on).not.toHaveProperty('workflow_run');
    const privileged = jobs.filter(([, { container }]) => container?.options?.includes('--privileged'));
    for (const [, { if: condition }] of privileged) {
      expect(condition).toBe(`github.event_name == 'push' || ${OF_THE_REPOSITORY}`);
    }
    expect(privileged.length).toBe(text.split('--privileged').length - 1);
  });
});

describe('one job alone', () => {
  it('is privileged, of all workflows', () => {
    const all = WORKFLOWS.map(read).join('\n');
    expect(all.split('--privileged')).toHaveLength(2);
  });
});

describe('updates', () => {
  it('are proposed for each place that pins versions', () => {
    const { updates } = parse(read('.github/dependabot.yml')) as {
      updates: { 'package-ecosystem': string; directory?: string; directories?: string[] }[];
    };
    const places = updates.flatMap((each) =>
      [each.directory, ...(each.directories ?? [])]
        .filter((one) => one !== undefined)
        .map((one) => `${each['package-ecosystem']} ${one}`),
    );
    const pip = REQUIREMENTS.map((path) => `pip /${path.replace('/requirements.txt', '')}`);
    expect(places.sort()).toEqual(['github-actions /', 'npm /', ...pip].sort());
  });
});
