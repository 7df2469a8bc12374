import { describe, expect, it } from 'vitest';
import { Rates } from '../../functions/core/leases/rates.ts';
import type { FailureTag } from '../../functions/core/model/failure.ts';
import { perMinute } from '../../functions/core/model/pace.ts';
import { memoryRates } from '../../local/memory-rates.ts';
import { aSecret } from '../contract/builders.ts';
import { type Answered, Api, ORG, refusal, SECRET, TARGET } from './api.ts';
import { NOW_MS } from './memory-ports.ts';

const UNKNOWN_ID = '01K9ZC3V7M8Q2R4T6W8Y0A1B2C';
const broken = () => Promise.reject(new Error('canary of a port'));

/** With Docker Hub's answer to a create, or a login, replaced. */
async function minting(problem: Parameters<typeof refusal>[0]): Promise<Answered> {
  const api = await new Api().seed();
  api.ports = { ...api.ports, minter: { createToken: refusal(problem) } };
  return api.lease();
}

/** How each code comes about, through the handlers; one that is missing here does not compile. */
const PROVOKED: { readonly [T in FailureTag]: () => Promise<Answered> } = {
  invalid_field: async () => new Api().lease({ ttl: 'soon' }),
  path_not_canonical: async () => new Api().send({ path: '/v1/leases/' }),
  method_not_allowed: async () => new Api().send({ method: 'PATCH', path: '/v1/leases' }),
  route_not_found: async () => new Api().send({ path: '/v1/nothing' }),
  caller_unknown: async () => new Api().send({ userArn: null }),
  caller_not_allowed: async () => (await new Api().seed({ allow: ['arn:aws:iam::444455556666:root'] })).lease(),
  secret_not_found: async () => new Api().lease(),
  target_not_found: async () => new Api().put('secrets/ci/release', SECRET),
  lease_not_found: async () => new Api().send({ path: `/v1/leases/${UNKNOWN_ID}` }),
  ttl_too_long: async () => (await new Api().seed()).lease({ ttl: '2h' }),
  ttl_too_short: async () => (await new Api().seed()).lease({ ttl: '59s' }),
  scope_needs_user_target: async () => {
    const api = new Api();
    await api.put('targets/acme', ORG);
    return api.put('secrets/ci/release', SECRET);
  },
  resources_need_org_target: async () => {
    const api = await new Api().seed();
    return api.put('secrets/ci/pull', { ...SECRET, namespace: 'acme' });
  },
  access_token_as_credential: async () =>
    new Api().put('targets/acme', { kind: 'user', credential: { username: 'acmebot', password: 'dckr_pat_canary' } }),
  credential_refused: async () => {
    const api = new Api();
    api.ports = { ...api.ports, hub: { ...api.ports.hub, login: refusal({ tag: 'credential_refused' }) } };
    return api.put('targets/acme', TARGET);
  },
  wrong_account: async () => {
    const api = await new Api().seed();
    return api.put('targets/acme', { ...TARGET, credential: { ...TARGET.credential, username: 'other' } });
  },
  attest_too_early: async () => {
    const api = await new Api().seed();
    const { id } = (await api.lease()).body.lease;
    const query = { attest: ['true'], reason: ['the account is closed'] };
    return api.send({ method: 'DELETE', path: `/v1/admin/leases/${id}`, query });
  },
  scope_too_wide: async () => (await new Api().seed()).lease({ scope: 'repo:admin' }),
  not_renewable: async () => {
    const api = await new Api().seed();
    const { id } = (await api.lease()).body.lease;
    return api.json('POST', `leases/${id}/renew`, {});
  },
  idempotency_mismatch: async () => {
    const api = await new Api().seed();
    await api.lease({ ttl: '10m' }, 'job-7');
    return api.lease({ ttl: '20m' }, 'job-7');
  },
  quota_reached: async () => {
    const api = await new Api().seed({ maxActive: 1 });
    await api.lease();
    return api.lease();
  },
  rate_limited: async () => {
    const api = await new Api().seed();
    api.ports = { ...api.ports, rates: new Rates(memoryRates(), perMinute(60, 1)) };
    await api.lease();
    return api.lease();
  },
  lease_not_active: async () => {
    const api = await new Api().seed({ renewable: true });
    const { id } = (await api.lease()).body.lease;
    await api.send({ method: 'DELETE', path: `/v1/leases/${id}` });
    return api.json('POST', `leases/${id}/renew`, {});
  },
  in_flight: async () => {
    const api = await new Api().seed();
    const { minter } = api.ports;
    api.ports = { ...api.ports, minter: { createToken: refusal({ tag: 'fault', code: 'timeout' }) } };
    await api.lease({}, 'job-7');
    api.ports = { ...api.ports, minter };
    return api.lease({}, 'job-7');
  },
  precondition_failed: async () => {
    const api = await new Api().seed();
    return api.put('targets/acme', TARGET, { headers: { 'if-match': '"9"' } });
  },
  version_conflict: async () => {
    const api = new Api();
    api.ports = { ...api.ports, catalog: { ...api.ports.catalog, putTarget: async () => 'conflict' } };
    return api.put('targets/acme', TARGET);
  },
  draining: async () => {
    const api = await new Api().seed();
    await api.lease();
    await api.send({ method: 'DELETE', path: '/v1/admin/secrets/ci/release', query: { force: ['true'] } });
    return api.lease();
  },
  open_leases: async () => {
    const api = await new Api().seed();
    await api.lease();
    return api.send({ method: 'DELETE', path: '/v1/admin/secrets/ci/release' });
  },
  target_in_use: async () => (await new Api().seed()).send({ method: 'DELETE', path: '/v1/admin/targets/acme' }),
  delete_protected: async () => {
    const api = await new Api().seed({ deleteProtection: true });
    return api.send({ method: 'DELETE', path: '/v1/admin/secrets/ci/release' });
  },
  managed_by_cdk: async () => {
    const api = await new Api().seed();
    await api.ports.catalog.putSecret(aSecret({ name: 'ci/stack', managedBy: 'cdk' }));
    return api.put('secrets/ci/stack', SECRET);
  },
  hub_refused: async () => minting({ tag: 'forbidden' }),
  expiry_refused: async () => minting({ tag: 'invalid', fields: ['expires_at'] }),
  label_refused: async () => minting({ tag: 'invalid', fields: ['token_label'] }),
  list_lags: async () => {
    const api = await new Api().seed();
    const record = await api.ports.sessions.read('acme');
    if (record === undefined) throw new Error('the verification logged nobody in');
    const refusal = { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS } as const;
    await api.ports.sessions.write({ ...record, version: record.version + 1, opId: 'sweep', facts: { refusal } });
    return api.lease();
  },
  hub_unavailable: async () => minting({ tag: 'fault', code: 'server_error' }),
  hub_throttled: async () => minting({ tag: 'throttled', retryAtMs: NOW_MS + 30_000 }),
  login_blocked: async () => {
    const api = new Api();
    api.ports = { ...api.ports, hub: { ...api.ports.hub, login: refusal({ tag: 'credential_refused' }) } };
    await api.put('targets/acme', TARGET, { query: { verify: ['false'] } });
    await api.put('secrets/ci/release', SECRET);
    return api.lease();
  },
  store_unavailable: async () => {
    const api = new Api();
    api.ports = { ...api.ports, catalog: { ...api.ports.catalog, getSecret: broken } };
    return api.lease();
  },
  credential_unavailable: async () => {
    const api = new Api();
    await api.put('targets/acme', TARGET, { query: { verify: ['false'] } });
    await api.put('secrets/ci/release', SECRET);
    api.ports = { ...api.ports, credentials: { ...api.ports.credentials, read: broken } };
    return api.lease();
  },
  not_recorded: async () => {
    const api = await new Api().seed();
    api.ports = { ...api.ports, backstop: { arm: broken } };
    return api.lease();
  },
  audit_unavailable: async () => {
    const api = await new Api().seed();
    api.ports = { ...api.ports, audit: { record: async () => 'lost' }, auditRequired: true };
    return api.lease();
  },
  busy: async () => {
    const api = new Api();
    await api.put('targets/acme', TARGET, { query: { verify: ['false'] } });
    await api.put('secrets/ci/release', SECRET);
    let nowMs = NOW_MS;
    await api.ports.sessions.write({ target: 'acme', version: 1, opId: 'other', claimUntilMs: NOW_MS + 45_000 });
    const sleep = async (ms: number) => {
      nowMs += ms;
    };
    api.ports = { ...api.ports, clock: { nowMs: () => nowMs, sleep } };
    return api.lease();
  },
  internal: async () => {
    const api = await new Api().seed();
    const leaseId = () => {
      throw new TypeError('canary of a bug');
    };
    api.ports = { ...api.ports, ids: { ...api.ports.ids, leaseId } };
    return api.lease();
  },
};

describe('each code of a problem', () => {
  it.each(Object.entries(PROVOKED))('%s comes about, and says nothing that must stay inside', async (code, provoke) => {
    const { status, body, result } = await provoke();
    expect({ status, code: body.code, detail: body.detail }).toMatchObject({ status: body.status, code });
    expect(result.headers?.['content-type']).toBe('application/problem+json');
    expect(result.body).not.toContain('canary');
  });
});
