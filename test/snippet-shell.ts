import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Edition, Ended } from './local/harness.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** What the stand-in for docker met when it was called. */
export interface DockerCall {
  readonly args: readonly string[];
  readonly username: string;
  /** Whether the token opened the registry at that moment. */
  readonly accepted: boolean;
  /** The id token that the AWS SDK would have taken the role with, and the mode of its file; absent without one. */
  readonly idToken?: { readonly text: string; readonly mode: string };
}

/** A machine of a CI system, with hublease on the path and a docker that does no more than log in. */
export interface SnippetShell {
  readonly home: string;
  /** Runs a script with bash to its end. In place of a role it has the profile of the embedded edition's CI role. */
  run(script: string, env?: Readonly<Record<string, string>>, flags?: string): Promise<Ended>;
  dockerCalls(): readonly DockerCall[];
}

/** Finds the login as docker does, and asks the fake Docker Hub's token service whether it holds. */
const DOCKER = `
const { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { execFileSync } = require('node:child_process');
const { HOME, DOCKER_CONFIG = HOME + '/.docker', AWS_WEB_IDENTITY_TOKEN_FILE: idTokenFile } = process.env;
const KEY = 'https://index.docker.io/v1/';
const args = process.argv.slice(2);
function login() {
  if (args[0] === 'login') {
    const pair = args[args.indexOf('--username') + 1] + ':' + readFileSync(0, 'utf8');
    mkdirSync(DOCKER_CONFIG, { recursive: true });
    const auths = { [KEY]: { auth: Buffer.from(pair).toString('base64') } };
    writeFileSync(DOCKER_CONFIG + '/config.json', JSON.stringify({ auths }));
  }
  const { auths = {}, credHelpers = {} } = JSON.parse(readFileSync(DOCKER_CONFIG + '/config.json', 'utf8'));
  if (!credHelpers[KEY]) return Buffer.from(auths[KEY].auth, 'base64').toString();
  const answer = JSON.parse(execFileSync('docker-credential-' + credHelpers[KEY], ['get'], { input: KEY }));
  return answer.Username + ':' + answer.Secret;
}
const pair = login();
const query = 'service=registry.docker.io&scope=repository:acme-bot/app:pull';
const headers = { authorization: 'Basic ' + Buffer.from(pair).toString('base64') };
fetch(process.env.FAKE_HUB + '/token?' + query, { headers }).then(async (response) => {
  await response.arrayBuffer();
  const call = { args, username: pair.split(':')[0], accepted: response.status === 200 };
  if (idTokenFile && existsSync(idTokenFile)) {
    const mode = (statSync(idTokenFile).mode & 0o777).toString(8);
    call.idToken = { text: readFileSync(idTokenFile, 'utf8'), mode };
  }
  appendFileSync(HOME + '/docker-calls', JSON.stringify(call) + '\\n');
});
`;

/** @param folder empty, and removed by whoever made it. */
export function openSnippetShell(edition: Edition, folder: string): SnippetShell {
  const [home, bin, temp] = ['home', 'bin', 'temp'].map((name) => join(folder, name)) as [string, string, string];
  for (const each of [home, bin, temp]) mkdirSync(each, { recursive: true });
  for (const name of ['hublease', 'docker-credential-hublease']) {
    program(bin, name, `exec '${process.execPath}' '${join(ROOT, 'cli', name)}.ts' "$@"`);
  }
  writeFileSync(join(bin, 'docker.cjs'), DOCKER);
  program(bin, 'docker', `exec '${process.execPath}' '${join(bin, 'docker.cjs')}' "$@"`);
  // What Buildkite's agent would print.
  program(
    bin,
    'buildkite-agent',
    '[ "$*" = "oidc request-token --audience sts.amazonaws.com" ] && printf the-id-token',
  );
  const calls = join(home, 'docker-calls');
  return {
    home,
    run: (script, env = {}, flags = '-euo pipefail') =>
      bash(script, flags, home, {
        ...env,
        PATH: `${bin}${delimiter}${process.env.PATH}`,
        HOME: home,
        TMPDIR: temp,
        FAKE_HUB: edition.hub.url,
        HUBLEASE_ENDPOINT: edition.endpoint,
        AWS_SHARED_CREDENTIALS_FILE: join(edition.dataFolder, 'credentials'),
        AWS_CONFIG_FILE: join(home, 'no-aws-config'),
        AWS_PROFILE: 'hublease-ci',
        AWS_EC2_METADATA_DISABLED: 'true',
      }),
    dockerCalls: () =>
      existsSync(calls)
        ? readFileSync(calls, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as DockerCall)
        : [],
  };
}

function program(bin: string, name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

function bash(script: string, flags: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn('bash', [...flags.split(' '), '-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
}

/** The fenced blocks of a page in one language, as `[heading above, text]`. */
export function blocksOf(page: string, language: string): readonly (readonly [string, string])[] {
  const blocks: [string, string][] = [];
  for (const section of page.split(/^(?=#{2,3} )/m)) {
    const heading = /^#+ (.+)/.exec(section)?.[1] ?? '';
    for (const [, info, text] of section.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)) {
      if (info === language) blocks.push([heading, text as string]);
    }
  }
  return blocks;
}
