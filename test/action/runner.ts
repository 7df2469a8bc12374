import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';

type Variables = Readonly<Record<string, string>>;

/** What of action.yml the runner goes by. */
interface ActionFile {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly runs: {
    readonly using: string;
    readonly main: string;
    readonly post: string;
    readonly 'post-if': string;
  };
}

/** How one part of a step ended, and what it told the runner. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: Variables;
  /** For the steps that follow. */
  readonly env: Variables;
  readonly state: Variables;
  readonly summary: string;
  /** The environment files as they were written, but for the outputs. */
  readonly written: string;
}

/** A part of a step that is running. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

export function readAction(folder: string): ActionFile {
  return parse(readFileSync(join(folder, 'action.yml'), 'utf8')) as ActionFile;
}

/**
 * Starts one part of a step of an Action as GitHub's runner does: inputs, defaults and state as variables, four empty files to write
 * to. Nothing of this process's environment reaches it but the search path.
 * Source: GitHub Docs, "Workflow commands for GitHub Actions", environment files.
 *
 * @param job folder of the job's own; its home and temporary folder are there.
 */
export function startStep(
  action: string,
  part: 'main' | 'post',
  job: string,
  { inputs = {}, state = {}, env = {} }: { inputs?: Variables; state?: Variables; env?: Variables },
): Running {
  const { inputs: known, runs } = readAction(action);
  const defaults = Object.entries(known).map(([name, { default: value = '' }]) => [name, value]);
  const files = { GITHUB_OUTPUT: '', GITHUB_ENV: '', GITHUB_STATE: '', GITHUB_STEP_SUMMARY: '' };
  for (const name of Object.keys(files) as (keyof typeof files)[]) {
    files[name] = join(job, `${part}-${name}`);
    writeFileSync(files[name], '');
  }
  const [home, temp] = [join(job, 'home'), join(job, 'temp')];
  for (const folder of [home, temp]) mkdirSync(folder, { recursive: true });
  const child = spawn(process.execPath, [join(action, runs[part])], {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      RUNNER_TEMP: temp,
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'acme/app',
      GITHUB_RUN_ID: '1234567890',
      ...files,
      ...prefixed('INPUT_', { ...Object.fromEntries(defaults), ...inputs }, (name) => name.toUpperCase()),
      ...prefixed('STATE_', state, (name) => name),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const texts = Object.fromEntries(Object.entries(files).map(([name, path]) => [name, readFileSync(path, 'utf8')]));
      const { GITHUB_OUTPUT = '', GITHUB_ENV = '', GITHUB_STATE = '', GITHUB_STEP_SUMMARY = '' } = texts;
      resolve({
        ...said,
        code,
        outputs: variablesOf(GITHUB_OUTPUT),
        env: variablesOf(GITHUB_ENV),
        state: variablesOf(GITHUB_STATE),
        summary: GITHUB_STEP_SUMMARY,
        written: GITHUB_ENV + GITHUB_STATE + GITHUB_STEP_SUMMARY,
      });
    });
  });
  return { child, ended };
}

function prefixed(prefix: string, values: Variables, spell: (name: string) => string): Variables {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + spell(name), value]));
}

/** What an environment file holds: `NAME<<DELIMITER`, the value's lines, `DELIMITER`. @throws Error where it is malformed. */
function variablesOf(text: string): Variables {
  const variables: Record<string, string> = {};
  const lines = text.split('\n');
  while (lines.length > 1) {
    const [, name, delimiter] = /^(.+?)<<(.+)$/.exec(lines.shift() as string) ?? [];
    const end = lines.indexOf(delimiter as string);
    if (name === undefined || end < 0) throw new Error('an environment file is malformed');
    variables[name] = lines
      .splice(0, end + 1)
      .slice(0, -1)
      .join('\n');
  }
  return variables;
}
