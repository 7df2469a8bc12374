import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeHub } from '../../fake-hub/server.ts';
import type { Operation } from '../../functions/wire/operations.ts';
import { startEmbedded } from '../../local/embedded.ts';
import { openProfiles } from '../../local/front-door/profiles.ts';
import { type Exchange, type Request, sendSigned } from './signed-request.ts';

/** An exchange that the API's page shows. */
export interface Recorded {
  readonly operation: Operation;
  /** What it shows, where an operation has several. */
  readonly title?: string;
  readonly exchange: Exchange;
}

const ACCOUNT = { username: 'acme-bot', password: 'correct-horse-battery' };
const CI = 'arn:aws:iam::111122223333:role/ci';
/** From RFC 7517 appendix A.1. */
const PUBLIC_JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  kid: 'release-2026',
};

type Send = (operation: Operation, request: Request, title?: string) => Promise<Exchange>;

/** Runs the embedded edition against the fake Docker Hub, uses every route, and returns what was said. Leaves nothing behind. */
export async function recordApi(): Promise<{ readonly startedAtMs: number; readonly recorded: readonly Recorded[] }> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'hublease-docs-'));
  const organizations = [{ name: 'acme', owners: [ACCOUNT.username], repositories: ['app'] }];
  const fake = await startFakeHub({ accounts: [ACCOUNT], organizations });
  try {
    const startedAtMs = Date.now();
    const edition = await startEmbedded(
      {
        port: 0,
        dataFolder,
        hubOrigin: fake.url,
        minTtlSeconds: 1,
        sweepIntervalSeconds: 86_400,
        jsonReady: false,
        logLevel: 'silent',
      },
      process.stderr,
    );
    try {
      const recorded: Recorded[] = [];
      const profiles = await openProfiles(dataFolder);
      const signers = new Map(profiles.map((profile) => [profile.name, profile]));
      const send: Send = async (operation, request, title) => {
        const signer = signers.get(request.path.startsWith('/v1/admin') ? 'hublease-admin' : 'hublease-ci');
        if (signer === undefined) throw new Error('a profile is missing');
        const exchange = await sendSigned(new URL(edition.endpoint).origin, signer, request);
        recorded.push({ operation, exchange, ...(title !== undefined && { title }) });
        return exchange;
      };
      await useTargets(send);
      await useSecrets(send);
      await useLeases(send);
      await useUp(send);
      return { startedAtMs, recorded };
    } finally {
      await edition.stop();
    }
  } finally {
    await fake.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

async function useTargets(send: Send): Promise<void> {
  const user = { kind: 'user', credential: ACCOUNT, description: 'Pushes releases', tags: { team: 'release' } };
  const bot = { method: 'PUT', path: '/v1/admin/targets/acme-bot', body: user };
  await send('putTarget', bot, 'a user, verified by a login and a throwaway token');
  const org = { kind: 'org', organization: 'acme', credential: ACCOUNT, maxActive: 10 };
  const acme = { method: 'PUT', path: '/v1/admin/targets/acme', body: org };
  await send('putTarget', acme, 'an organization, with the token cap of its plan');
  await send('getTarget', { method: 'GET', path: '/v1/admin/targets/acme-bot' });
  await send('listTargets', { method: 'GET', path: '/v1/admin/targets?limit=1' });
  const act = { method: 'POST', path: '/v1/admin/targets/acme-bot' };
  await send('actOnTarget', { ...act, body: { action: 'verify' } }, 'verified again');
  const dismissal = { action: 'dismiss', tokenIds: ['0b9f6c2e-5d1a-4f7e-8a3c-2d4e6f8a0b1c'] };
  await send('actOnTarget', { ...act, body: dismissal }, 'with a token that is not of hublease');
}

async function useSecrets(send: Send): Promise<void> {
  const limits = { defaultTtl: '15m', maxTtl: '1h', allow: [CI] };
  const release = { target: 'acme-bot', scope: 'repo:write', ...limits, renewable: true, maxActive: 20 };
  const path = '/v1/admin/secrets/ci/release';
  await send('putSecret', { method: 'PUT', path, body: release }, 'on a user: one scope');
  const headers = { 'if-match': '"1"' };
  const changed = { ...release, description: 'Pushes releases', labelTemplate: '{secret} by {role}' };
  await send('putSecret', { method: 'PUT', path, headers, body: changed }, 'changed, unless somebody else was first');
  await send('putSecret', { method: 'PUT', path, headers, body: release }, 'refused, because somebody else was first');
  const pull = { target: 'acme', namespace: 'acme', ...limits };
  await send('putSecret', { method: 'PUT', path: '/v1/admin/secrets/ci/pull', body: pull }, 'on an organization');
  const sealed = {
    credential: ACCOUNT,
    scopes: 'repo:read,repo:public_read',
    ...limits,
    protectionKey: { jwk: PUBLIC_JWK },
  };
  const own = { method: 'PUT', path: '/v1/admin/secrets/ci/sealed', body: sealed };
  await send('putSecret', own, 'with a credential of its own and a protection key');
  await send('getSecret', { method: 'GET', path });
  await send('listSecrets', { method: 'GET', path: '/v1/admin/secrets?prefix=ci&limit=1' });
}

async function useLeases(send: Send): Promise<void> {
  const path = '/v1/lease/ci/release';
  const body = { ttl: '10m', scope: 'repo:read', label: 'release-build', reason: 'Release 2.4.0' };
  const headers = { 'idempotency-key': 'build-1742' };
  const minted = await send(
    'mintLease',
    { method: 'POST', path, headers, body },
    'narrower than the secret, with a key',
  );
  const id = leaseIdOf(minted);
  const pulling = await send('mintLease', { method: 'POST', path: '/v1/lease/ci/pull' }, 'of an organization');
  await send(
    'mintLease',
    { method: 'POST', path: '/v1/lease/ci/sealed' },
    'sealed for the owner of the protection key',
  );
  await send(
    'mintLease',
    { method: 'POST', path, body: { scope: 'repo:admin' } },
    'refused, because it asks for too much',
  );
  await send('listLeases', { method: 'GET', path: '/v1/leases?secret=ci/release&status=active&live=true' });
  await send('getLease', { method: 'GET', path: `/v1/leases/${id}?live=true` });
  await send('renewLease', { method: 'POST', path: `/v1/leases/${id}/renew`, body: { ttl: '2h' } });
  await send('listAllLeases', { method: 'GET', path: '/v1/admin/leases?secret=ci/pull' });
  await send('getAnyLease', { method: 'GET', path: `/v1/admin/leases/${id}` });
  const attest = `/v1/admin/leases/${id}?attest=true&reason=The%20account%20is%20closed`;
  await send('revokeAnyLease', { method: 'DELETE', path: attest }, 'not attested, because the token may live');
  await send('revokeLease', { method: 'DELETE', path: `/v1/leases/${id}` });
  const pulled = { method: 'DELETE', path: `/v1/admin/leases/${leaseIdOf(pulling)}` };
  await send('revokeAnyLease', pulled, 'revoked');
  await send('whoami', { method: 'GET', path: '/v1/whoami' });
  await send('getOpenapi', { method: 'GET', path: '/v1/openapi.json' });
}

async function useUp(send: Send): Promise<void> {
  await send('deleteSecret', { method: 'DELETE', path: '/v1/admin/secrets/ci/sealed?force=true' });
  await send('revokeMatching', { method: 'POST', path: '/v1/admin/revoke', body: { prefix: 'ci/sealed' } });
  await send(
    'deleteTarget',
    { method: 'DELETE', path: '/v1/admin/targets/acme-bot?force=true' },
    'refused, while in use',
  );
  await send('deleteSecret', { method: 'DELETE', path: '/v1/admin/secrets/ci/release' }, 'without open leases');
  await send('deleteTarget', { method: 'DELETE', path: '/v1/admin/targets/acme-bot' });
}

function leaseIdOf({ answer }: Exchange): string {
  return (answer as { lease: { id: string } }).lease.id;
}
