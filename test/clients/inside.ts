// The first process inside the stage's namespaces: `node inside.ts FOLDER`, by `fork` only. It makes a machine on which
// registry-1.docker.io and auth.docker.io are its own, and runs there what it is told. When the one who forked it goes away,
// in whatever way, it ends, and with it all that it has started.
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { hubleaseClient } from '../../client/client.ts';
import { startFakeHub } from '../../fake-hub/server.ts';
import type { AnswerOf } from '../../functions/wire/operations.ts';
import { spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { openProfiles } from '../../local/front-door/profiles.ts';
import { ACCOUNT } from './account.ts';
import { makeCertificate } from './certificate.ts';
import { startRegistry } from './registry.ts';
import { startTokenService } from './token-service.ts';

/** What it is asked to do, call by call. */
export interface StageCalls {
  /** Runs a shell command to its end. Nothing of this process's environment reaches it. */
  run(command: string, env: Readonly<Record<string, string>>): Promise<Ended>;
  /** Everybody's leases, the newest hundred: more than all tests take. */
  leases(): Promise<readonly LeaseView[]>;
}

/** What it says of itself before it takes calls. */
export interface StageReady {
  readonly endpoint: string;
  readonly credentialsFile: string;
  readonly certificateFile: string;
}

export interface StageRequest {
  readonly id: number;
  readonly name: keyof StageCalls;
  readonly args: readonly unknown[];
}

/** Has `error` when the call failed. */
export interface StageAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type LeaseView = AnswerOf<'getLease'>['body']['lease'];

const CI_ARN = 'arn:aws:iam::111122223333:role/ci';
/** Two addresses, for both of Docker Hub's hosts are asked on port 443. */
const REGISTRY = { host: 'registry-1.docker.io', address: '127.0.0.1' };
const TOKENS = { host: 'auth.docker.io', address: '127.0.0.2' };

const [folder = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());
if (!process.connected) process.exit();

enterNetwork();
const certificate = makeCertificate(folder, [REGISTRY.host, TOKENS.host]);
const hub = await startFakeHub({ accounts: [ACCOUNT], publicRepositories: ['acme-bot/site'] });
const [edition] = await Promise.all([
  spawnEmbedded(['--port', '0', '--data', join(folder, 'data'), '--hub', hub.url]),
  startTokenService(TOKENS.address, hub.url, certificate),
  startRegistry(REGISTRY.address, folder, certificate),
]);
const admin = await openAdmin();
await fillCatalog();

const calls: StageCalls = {
  async run(command, env) {
    const child = spawn('sh', ['-c', command], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    return { code, stdout, stderr };
  },
  async leases() {
    return (await admin.call('listAllLeases', { query: { limit: '100' } })).body.items as LeaseView[];
  },
};

process.on('message', async ({ id, name, args }: StageRequest) => {
  const call = calls[name] as (...args: readonly unknown[]) => Promise<unknown>;
  const answer = await call(...args).then(
    (result): StageAnswer => ({ id, result }),
    (error: Error): StageAnswer => ({ id, error: error.message }),
  );
  process.send?.(answer);
});
process.send?.({
  endpoint: edition.endpoint,
  credentialsFile: edition.credentialsFile,
  certificateFile: certificate.certificateFile,
} satisfies StageReady);

/** Loopback only, with Docker Hub's names on it: nothing here can reach the real one. */
function enterNetwork(): void {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const hosts = join(folder, 'hosts');
  const lines = [{ host: 'localhost', address: '127.0.0.1' }, REGISTRY, TOKENS];
  writeFileSync(hosts, lines.map(({ host, address }) => `${address} ${host}\n`).join(''));
  execFileSync('mount', ['--bind', hosts, '/etc/hosts']);
}

async function openAdmin() {
  const credentials = (await openProfiles(edition.data)).find(({ name }) => name === 'hublease-admin');
  if (credentials === undefined) throw new Error('the embedded edition has no profile hublease-admin');
  return hubleaseClient({ endpoint: edition.endpoint, credentials });
}

/** `ci/release` may push, `ci/pull` may not. */
async function fillCatalog(): Promise<void> {
  await admin.call('putTarget', { name: 'acme-bot', body: { kind: 'user', credential: ACCOUNT } });
  for (const [name, scope] of [
    ['ci/release', 'repo:write'],
    ['ci/pull', 'repo:read'],
  ] as const) {
    const body = { target: 'acme-bot', scope, defaultTtl: '15m', maxTtl: '1h', allow: [CI_ARN] };
    await admin.call('putSecret', { name, body });
  }
}
