import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApi, regionOf } from '../cli/api.ts';
import type { PrivateFolder } from '../cli/exec-folder.ts';
import { CommandFailed, EXIT } from '../cli/exit.ts';
import { explain } from '../cli/explain.ts';
import { type Minted, mintBody, openPassword } from '../cli/minting.ts';
import { type PrivateConfig, privateConfig } from '../cli/private-config.ts';
import { endpointOf, readSettings } from '../cli/settings.ts';
import type { Client } from '../client/client.ts';
import { booleanInput, hand, input, requireRunner, runnerCommand, summarize } from './runner.ts';
import { saveState } from './state.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What the step wants. */
interface Order {
  readonly api: Client;
  readonly endpoint: string;
  readonly region: string;
  readonly secret: string;
  readonly body: Readonly<Record<string, string>>;
  readonly login: boolean;
}

async function readOrder(env: Env): Promise<Order> {
  requireRunner(env);
  const flags: Record<string, string> = {};
  for (const name of ['endpoint', 'region', 'secret', 'ttl']) {
    const value = input(env, name);
    if (value !== undefined) flags[name] = value;
  }
  const settings = await readSettings(flags, env);
  for (const name of ['endpoint', 'secret'] as const) {
    if (settings[name] === undefined) {
      throw new CommandFailed(EXIT.notConfigured, `not configured: no ${name}`, `Give this step "with: ${name}: …".`);
    }
  }
  const [scope, label] = [input(env, 'scope'), input(env, 'label')];
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  const reason = server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined;
  return {
    api: await openApi(settings, env),
    endpoint: endpointOf(settings),
    region: regionOf(settings, env),
    secret: settings.secret as string,
    body: mintBody({ ttl: settings.ttl, scope, label, reason }),
    login: booleanInput(env, 'docker-login'),
  };
}

/** Leases, and tells the runner. Whatever fails once there is a lease, the post step ends it. */
async function takeLease(env: Env): Promise<void> {
  const order = await readOrder(env);
  const config = order.login ? privateConfig(env, jobFolder) : undefined;
  let minted: Minted;
  try {
    minted = (await order.api.call('mintLease', { name: order.secret, body: order.body })).body;
  } catch (error) {
    config?.remove();
    throw error;
  }
  try {
    remember(env, order, minted, config);
  } catch (error) {
    // No post step will know of it.
    config?.remove();
    await order.api.call('revokeLease', { name: minted.lease.id }).catch(() => {});
    throw error;
  }
  const { username, password } = openPassword(minted);
  // Before all else that is said: docker's file and every client that shows its request has the second form.
  say(runnerCommand('add-mask', password));
  say(runnerCommand('add-mask', Buffer.from(`${username}:${password}`).toString('base64')));
  if (config !== undefined) logIn(env, config, username, password);
  hand(env, 'GITHUB_OUTPUT', 'lease-id', minted.lease.id);
  hand(env, 'GITHUB_OUTPUT', 'username', username);
  hand(env, 'GITHUB_OUTPUT', 'token', password);
  hand(env, 'GITHUB_OUTPUT', 'expires-at', minted.lease.expiresAt);
  summarize(env, summaryOf(minted));
  say(`hublease: leased ${minted.lease.id} from ${minted.lease.secret} until ${minted.lease.expiresAt}\n`);
}

function remember(
  env: Env,
  { endpoint, region }: Order,
  { lease }: Minted,
  config: Pick<PrivateConfig, 'folder'> | undefined,
): void {
  // An empty variable is none to the programs that read these.
  const former = { DOCKER_CONFIG: env.DOCKER_CONFIG ?? '', REGISTRY_AUTH_FILE: env.REGISTRY_AUTH_FILE ?? '' };
  saveState(env, {
    leaseId: lease.id,
    expiresAt: lease.expiresAt,
    endpoint,
    region,
    ...(config !== undefined && { docker: { folder: config.folder, former } }),
  });
}

/** The token stands in the private file and in the step's output, not in a variable that every later step could read. */
function logIn(env: Env, config: PrivateConfig, username: string, password: string): void {
  config.login(username, password);
  for (const [name, value] of Object.entries(config.env)) {
    if ((value ?? '') !== (env[name] ?? '')) hand(env, 'GITHUB_ENV', name, value ?? '');
  }
}

function summaryOf({ lease, credential }: Minted): string {
  const rows = {
    lease: lease.id,
    secret: lease.secret,
    account: credential.username,
    may: lease.scope ?? 'what the secret lists, per repository',
    until: lease.expiresAt,
    'leased as': lease.caller,
  };
  const lines = Object.entries(rows).map(([name, value]) => `| ${name} | \`${value}\` |\n`);
  return `### Docker Hub token, leased by hublease\n\n| | |\n| --- | --- |\n${lines.join('')}\n`;
}

/** It outlives this process: the post step removes it. */
function jobFolder(): PrivateFolder {
  const path = mkdtempSync(join(tmpdir(), 'hublease-docker-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function say(text: string): void {
  process.stdout.write(text);
}

// The runner empties this folder after the job, should the post step never come; the system's own it leaves alone.
for (const name of process.env.RUNNER_TEMP ? ['TMPDIR', 'TEMP'] : []) process.env[name] = process.env.RUNNER_TEMP;
// A job that is cancelled runs its post step, which has to know of a token that is being made.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});

try {
  await takeLease(process.env);
} catch (error) {
  const { message, hint } = explain(error);
  say(runnerCommand('error title=hublease', hint === undefined ? message : `${message}\n${hint}`));
  process.exitCode = 1;
}
