import { beforeAll, describe, expect, it } from 'vitest';
import { hubleaseClient } from '../../client/client.ts';
import { ROUTES } from '../../functions/wire/routes.ts';
import {
  ACCOUNT,
  CI_ARN,
  type Edition,
  lease,
  listAll,
  openEdition,
  ours,
  type ProfileName,
  problemOf,
  START_LIMIT_MS,
  setUp,
  show,
} from './harness.ts';
import { type Draft, type Keys, send, sign, type Wire, withHeader } from './signing.ts';

const OTHER_ARN = 'arn:aws:iam::444455556666:role/other';
const NO_LEASE = '01K9ZC3V7M8Q2R4T6W8Y0A1B2C';

let edition: Edition;
beforeAll(async () => {
  edition = await openEdition();
  await setUp(edition);
  const { admin } = edition;
  const body = { target: 'acme-bot', scope: 'repo:read', defaultTtl: '1m', maxTtl: '1m' };
  await admin.call('putSecret', { name: 'other/only', body: { ...body, allow: [OTHER_ARN] } });
  return () => edition.close();
}, START_LIMIT_MS);

/** All that an administrator can see. */
async function catalog(): Promise<unknown> {
  const { admin } = edition;
  return [(await admin.call('listTargets')).body, (await admin.call('listSecrets')).body];
}

function clientOf(profile: ProfileName) {
  return { 'hublease-admin': edition.admin, 'hublease-ci': edition.ci, 'hublease-other': edition.other }[profile];
}

const ADMIN_ROUTES = ROUTES.filter(({ who }) => who === 'admin');

/** A body with which an administrator would succeed. */
function bodyOf(path: string): object {
  return path.startsWith('/admin/targets')
    ? { kind: 'user', credential: ACCOUNT }
    : { target: 'acme-bot', scope: 'repo:admin', defaultTtl: '1m', maxTtl: '1m', allow: [CI_ARN, OTHER_ARN] };
}

describe('the admin routes', () => {
  it('are some', () => {
    expect(ADMIN_ROUTES.length).toBeGreaterThanOrEqual(8);
  });

  describe.each(['hublease-ci', 'hublease-other'] as const)('are closed to %s', (profile) => {
    it.each(ADMIN_ROUTES)('$method $path', async ({ method, path, operation }) => {
      const before = await catalog();
      const takesBody = method === 'PUT' || method === 'POST';
      const call = clientOf(profile).call(operation, {
        name: path.startsWith('/admin/targets') ? 'acme-bot' : 'ci/release',
        ...(takesBody && { body: bodyOf(path) }),
      });
      expect(await problemOf(call)).toMatchObject({ status: 403, code: 'access_denied' });
      expect(await catalog()).toEqual(before);
    });

    it.each(['/v1/admin', '/v1/admin/', '/v1/admin/nothing', '/v1/Admin/targets', '/v1/admin//targets'])(
      'and so is %s, where no route is',
      async (path) => {
        const wire = await signed(edition.profiles[profile], { method: 'GET', path });
        expect((await send(edition.port, wire)).status).toBe(403);
      },
    );
  });

  it('never show the credential that went in', async () => {
    const put = await edition.admin.call('putTarget', {
      name: 'again',
      body: { kind: 'user', credential: ACCOUNT, description: 'the same account' },
    });
    const get = await edition.admin.call('getTarget', { name: 'again' });
    const list = await edition.admin.call('listTargets');
    const gone = await edition.admin.call('deleteTarget', { name: 'again' });
    expect([put.status, get.status, list.status, gone.status]).toEqual([201, 200, 200, 200]);
    const answers = JSON.stringify([put, get, list, gone]);
    expect(answers).toContain('the same account');
    expect(answers).not.toContain(ACCOUNT.password);
    expect(answers).not.toContain(Buffer.from(ACCOUNT.password).toString('base64').replace(/=+$/, ''));
  });
});

describe('a dynamic secret', () => {
  it('that does not list a caller cannot be leased by it, and the refusal names the caller as seen', async () => {
    const made = ours(edition.hub).length;
    const refused = await problemOf(edition.other.call('mintLease', { name: 'ci/release' }));
    expect(refused).toMatchObject({ status: 403, code: 'caller_not_allowed' });
    expect(refused.detail).toContain(`${OTHER_ARN} (AROAHUBLEASEOTHERAAAA) may not lease from "ci/release"`);
    expect((await problemOf(edition.ci.call('mintLease', { name: 'other/only' }))).detail).toContain(CI_ARN);
    expect(ours(edition.hub).length).toBe(made);
  });

  it('is not the administrator’s to lease either, unless it lists it', async () => {
    expect(await problemOf(edition.admin.call('mintLease', { name: 'ci/release' }))).toMatchObject({
      status: 403,
      code: 'caller_not_allowed',
    });
  });

  it('can be leased by whom it lists', async () => {
    const { body } = await edition.other.call('mintLease', { name: 'other/only' });
    expect(body.lease).toMatchObject({ caller: OTHER_ARN, secret: 'other/only', scope: 'repo:read' });
  });

  it('that does not exist is not found', async () => {
    expect(await problemOf(edition.ci.call('mintLease', { name: 'ci/nothing' }))).toMatchObject({
      status: 404,
      code: 'secret_not_found',
    });
  });

  it('is shown by whoami to those only whom it lists', async () => {
    const names = async (profile: ProfileName) => {
      const { body } = await clientOf(profile).call('whoami');
      return { arn: body.caller.arn, secrets: body.secrets.map(({ name }) => name) };
    };
    expect(await names('hublease-ci')).toEqual({ arn: CI_ARN, secrets: ['ci/release'] });
    expect(await names('hublease-other')).toEqual({ arn: OTHER_ARN, secrets: ['other/only'] });
  });
});

describe('a lease of another role', () => {
  it('is not found, whatever is done to it, and does not differ from one that never was', async () => {
    const { lease: mine } = await lease(edition.ci, '1m');
    for (const client of [edition.other, edition.admin]) {
      for (const operation of ['getLease', 'revokeLease'] as const) {
        const foreign = await problemOf(client.call(operation, { name: mine.id }));
        const absent = await problemOf(client.call(operation, { name: NO_LEASE }));
        expect(foreign).toMatchObject({ status: 404, code: 'lease_not_found' });
        expect({ ...foreign, requestId: '', detail: foreign.detail.replace(mine.id, NO_LEASE) }).toEqual({
          ...absent,
          requestId: '',
        });
      }
    }
    expect(await show(edition.ci, mine.id)).toMatchObject({ status: 'active' });
    expect(ours(edition.hub).find(({ id }) => id === mine.tokenId)?.live).toBe(true);
  });

  it('is absent from its lists', async () => {
    const { lease: mine } = await lease(edition.ci, '1m');
    const ids = async (profile: ProfileName) => (await listAll(clientOf(profile))).map(({ id }) => id);
    expect(await ids('hublease-ci')).toContain(mine.id);
    expect(await ids('hublease-other')).not.toContain(mine.id);
    expect(await ids('hublease-admin')).not.toContain(mine.id);
    const query = { secret: 'ci/release', status: 'active' };
    expect((await edition.other.call('listLeases', { query })).body.items).toEqual([]);
  });
});

describe('a request whose signature does not hold', () => {
  const MINT: Draft = {
    method: 'POST',
    path: '/v1/lease/ci/release',
    headers: { 'content-type': 'application/json' },
    body: '{"ttl":"1m"}',
  };
  const LIST: Draft = { method: 'GET', path: '/v1/leases', query: { status: 'active' } };

  it('would have been honoured with its own signature', async () => {
    expect((await send(edition.port, await signed(edition.profiles['hublease-ci'], MINT))).status).toBe(201);
    expect((await send(edition.port, await signed(edition.profiles['hublease-ci'], LIST))).status).toBe(200);
  });

  const MINUTES_MS = 60_000;
  it.each<[string, Draft, (wire: Wire) => Wire, number, string]>([
    ['none at all', MINT, (wire) => withHeader(wire, 'authorization'), 0, 'missing_authentication'],
    ['another body', MINT, (wire) => ({ ...wire, body: '{"ttl":"2m"}' }), 0, 'body_hash_mismatch'],
    ['another path', MINT, (wire) => ({ ...wire, path: '/v1/lease/ci/releasf' }), 0, 'signature_mismatch'],
    ['another query', LIST, (wire) => ({ ...wire, query: 'status=revoked' }), 0, 'signature_mismatch'],
    ['another method', LIST, (wire) => ({ ...wire, method: 'DELETE' }), 0, 'signature_mismatch'],
    [
      'another header',
      MINT,
      (wire) => withHeader(wire, 'content-type', 'application/json '.repeat(2)),
      0,
      'signature_mismatch',
    ],
    [
      'another date',
      MINT,
      (wire) => withHeader(wire, 'x-amz-date', dateOf(Date.now() - MINUTES_MS)),
      0,
      'signature_mismatch',
    ],
    ['more than five minutes behind it', MINT, (wire) => wire, -5.1 * MINUTES_MS, 'expired'],
    ['more than five minutes before it', MINT, (wire) => wire, 5.1 * MINUTES_MS, 'not_yet_current'],
  ])('is refused, and changes nothing: %s', async (_, draft, tamper, offsetMs, code) => {
    const made = ours(edition.hub).length;
    const before = await listAll(edition.ci);
    const wire = tamper(await signed(edition.profiles['hublease-ci'], draft, Date.now() + offsetMs));
    const { status, body } = await send(edition.port, wire);
    expect({ status, code: JSON.parse(body).code }).toEqual({ status: 403, code });
    expect(ours(edition.hub).length).toBe(made);
    expect(await listAll(edition.ci)).toEqual(before);
  });

  it('is refused with a key of another installation, or the wrong secret', async () => {
    const key = edition.profiles['hublease-ci'];
    for (const [credentials, code] of [
      [{ ...key, accessKeyId: 'AKIAAAAAAAAAAAAAAAAA' }, 'unknown_key'],
      [{ ...key, secretAccessKey: edition.profiles['hublease-admin'].secretAccessKey }, 'signature_mismatch'],
    ] as const) {
      const stranger = hubleaseClient({ endpoint: edition.endpoint, credentials });
      expect(await problemOf(stranger.call('mintLease', { name: 'ci/release' }))).toMatchObject({ status: 403, code });
    }
  });

  it('is not what the second of two identical requests has', async () => {
    const wire = await signed(edition.profiles['hublease-ci'], LIST);
    expect((await send(edition.port, wire)).status).toBe(200);
    expect((await send(edition.port, wire)).status).toBe(200);
  });
});

function signed(keys: Keys, draft: Draft, atMs = Date.now()): Promise<Wire> {
  return sign(keys, draft, atMs, { host: `127.0.0.1:${edition.port}` });
}

function dateOf(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
