import { LeaseAnswer, LeaseSchema, MintAnswer, RenewAnswer } from '../answers/lease-schema.ts';
import { pageOf } from '../answers/shared.ts';
import { MintBody, RenewBody } from '../requests/lease.ts';
import { LiveQuery, OwnLeasesQuery } from '../requests/list.ts';
import { answer, body, IDEMPOTENCY_KEY, inFake, NO_QUERY, type OperationDefinition } from './operation.ts';
import { LEASE, LIVE, RENEWED, REVOKED, REVOKING } from './samples.ts';

export const PAGE_TEXT = 'A page of leases. It may be short and still not the last.';
export const REVOKED_TEXT = 'The revoked lease, with its evidence.';
export const REVOKING_TEXT = 'There is no proof yet; the revocation goes on by itself. `lastError` says why.';

/** What callers do with leases of their own. */
export const LEASE_OPERATIONS = {
  mintLease: {
    method: 'POST',
    path: '/lease/{name+}',
    parameterIs: 'secret',
    function: 'broker',
    who: 'caller',
    summary: 'Lease a Docker Hub token from a dynamic secret.',
    query: NO_QUERY,
    headers: { 'idempotency-key': IDEMPOTENCY_KEY },
    body: body(MintBody, { ttl: '15m', label: 'release-build', reason: 'Release 2.4.0' }),
    answers: {
      201: answer(MintAnswer, `The lease and its token. ${inFake('credential.fakeHub')}`, {
        lease: LEASE,
        credential: { registry: 'docker.io', username: 'acmebot', password: 'dckr_pat_EXAMPLE' },
      }),
    },
    problems: [404, 409, 422, 502],
  },
  listLeases: {
    method: 'GET',
    path: '/leases',
    function: 'broker',
    who: 'caller',
    summary: "List the caller's own leases, newest first.",
    query: OwnLeasesQuery,
    answers: { 200: answer(pageOf(LeaseSchema), PAGE_TEXT, { items: [LEASE], nextToken: 'EXAMPLE' }) },
    problems: [],
  },
  getLease: {
    method: 'GET',
    path: '/leases/{id}',
    parameterIs: 'leaseId',
    function: 'broker',
    who: 'caller',
    summary: "Show one of the caller's own leases.",
    query: LiveQuery,
    answers: { 200: answer(LeaseAnswer, 'The lease.', { lease: LIVE }) },
    problems: [404],
  },
  revokeLease: {
    method: 'DELETE',
    path: '/leases/{id}',
    parameterIs: 'leaseId',
    function: 'broker',
    who: 'caller',
    summary: "Revoke one of the caller's own leases now.",
    query: NO_QUERY,
    answers: {
      200: answer(LeaseAnswer, REVOKED_TEXT, { lease: REVOKED }),
      202: answer(LeaseAnswer, REVOKING_TEXT, { lease: REVOKING }),
    },
    problems: [404],
  },
  renewLease: {
    method: 'POST',
    path: '/leases/{id}/renew',
    parameterIs: 'leaseId',
    function: 'broker',
    who: 'caller',
    summary: "Extend one of the caller's own leases, up to its `maxExpiresAt`.",
    query: NO_QUERY,
    body: body(RenewBody, { ttl: '15m' }),
    answers: { 200: answer(RenewAnswer, 'The lease as extended.', { lease: RENEWED, clipped: false }) },
    problems: [404, 409, 422],
  },
} as const satisfies Readonly<Record<string, OperationDefinition>>;
