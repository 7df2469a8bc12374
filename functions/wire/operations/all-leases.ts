import { AdminLeaseAnswer, AdminLeaseSchema, RevocationsAnswer } from '../answers/lease-schema.ts';
import { pageOf } from '../answers/shared.ts';
import { AllLeasesQuery, LiveQuery } from '../requests/list.ts';
import { AttestQuery, RevokeBody } from '../requests/revocation.ts';
import { PAGE_TEXT, REVOKED_TEXT, REVOKING_TEXT } from './leases.ts';
import { answer, body, NO_QUERY, type OperationDefinition } from './operation.ts';
import { BLOCKED, LEASE, REVOKED, REVOKING } from './samples.ts';

/** What admins do with everybody's leases. */
export const ALL_LEASE_OPERATIONS = {
  listAllLeases: {
    method: 'GET',
    path: '/admin/leases',
    function: 'admin',
    who: 'admin',
    summary: "List everybody's leases, newest first.",
    query: AllLeasesQuery,
    answers: { 200: answer(pageOf(AdminLeaseSchema), PAGE_TEXT, { items: [LEASE] }) },
    problems: [],
  },
  getAnyLease: {
    method: 'GET',
    path: '/admin/leases/{id}',
    parameterIs: 'leaseId',
    function: 'admin',
    who: 'admin',
    summary: "Show anybody's lease.",
    query: LiveQuery,
    answers: { 200: answer(AdminLeaseAnswer, 'The lease.', { lease: BLOCKED }) },
    problems: [404],
  },
  revokeAnyLease: {
    method: 'DELETE',
    path: '/admin/leases/{id}',
    parameterIs: 'leaseId',
    function: 'admin',
    who: 'admin',
    summary: "Revoke anybody's lease now, or close it on your word.",
    query: AttestQuery,
    answers: {
      200: answer(AdminLeaseAnswer, REVOKED_TEXT, { lease: { ...REVOKED, revokeReason: 'admin' } }),
      202: answer(AdminLeaseAnswer, REVOKING_TEXT, { lease: { ...REVOKING, revokeReason: 'admin' } }),
    },
    problems: [404, 409],
  },
  revokeMatching: {
    method: 'POST',
    path: '/admin/revoke',
    function: 'admin',
    who: 'admin',
    summary: 'Revoke every open lease of a folder, target or caller, or the one that a leaked token belongs to.',
    query: NO_QUERY,
    body: body(RevokeBody, { prefix: 'ci' }),
    answers: {
      202: answer(RevocationsAnswer, 'The leases, marked to be revoked; GET them to see how far it has come.', {
        count: 1,
        complete: true,
        leases: [
          { id: LEASE.id, secret: LEASE.secret, caller: LEASE.caller, issuedAt: LEASE.issuedAt, status: 'revoking' },
        ],
      }),
    },
    problems: [],
  },
} as const satisfies Readonly<Record<string, OperationDefinition>>;
