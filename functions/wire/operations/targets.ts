import { pageOf } from '../answers/shared.ts';
import { DeletedTarget, PutTargetAnswer, TargetAnswer, TargetSchema } from '../answers/target.ts';
import { TargetsQuery } from '../requests/list.ts';
import { ForceQuery, TargetAction, TargetBody, VerifyQuery } from '../requests/target.ts';
import { answer, body, IF_MATCH, NO_QUERY, type OperationDefinition } from './operation.ts';
import { PENDING, STATE, TARGET } from './samples.ts';

const PENDING_TEXT =
  'The target; Docker Hub took too long for the verification to be completed. `verificationPending` says what it waits for.';
export const DRAINING_TEXT = 'Marked draining: it gives no more leases and goes once the open ones have ended.';

/** What admins do with targets. */
export const TARGET_OPERATIONS = {
  listTargets: {
    method: 'GET',
    path: '/admin/targets',
    function: 'admin',
    who: 'admin',
    summary: 'List targets by name.',
    query: TargetsQuery,
    answers: { 200: answer(pageOf(TargetSchema), 'A page of targets.', { items: [TARGET] }) },
    problems: [],
  },
  putTarget: {
    method: 'PUT',
    path: '/admin/targets/{name+}',
    parameterIs: 'target',
    function: 'admin',
    who: 'admin',
    summary: 'Create or change a target. Its credential goes in and never comes out.',
    query: VerifyQuery,
    headers: { 'if-match': IF_MATCH },
    body: body(TargetBody, {
      kind: 'user',
      credential: { username: 'acmebot', password: 'EXAMPLE' },
      tags: { team: 'release' },
    }),
    answers: {
      200: answer(PutTargetAnswer, 'The target as changed.', { target: TARGET, changed: ['tags'] }),
      201: answer(PutTargetAnswer, 'The new target.', {
        target: TARGET,
        changed: ['credential', 'kind', 'name', 'tags', 'username'],
      }),
      202: answer(PutTargetAnswer, PENDING_TEXT, { target: PENDING, changed: ['credential'] }),
    },
    problems: [409, 412, 422, 502],
    hasEtag: true,
  },
  getTarget: {
    method: 'GET',
    path: '/admin/targets/{name+}',
    parameterIs: 'target',
    function: 'admin',
    who: 'admin',
    summary: 'Show one target.',
    query: NO_QUERY,
    answers: { 200: answer(TargetAnswer, 'The target.', { target: { ...TARGET, state: STATE } }) },
    problems: [404],
    hasEtag: true,
  },
  deleteTarget: {
    method: 'DELETE',
    path: '/admin/targets/{name+}',
    parameterIs: 'target',
    function: 'admin',
    who: 'admin',
    summary: 'Delete a target, or let it drain.',
    query: ForceQuery,
    answers: {
      200: answer(DeletedTarget, 'The target is gone.', {
        target: { ...TARGET, status: 'draining' },
        removed: true,
        openLeases: 0,
      }),
      202: answer(DeletedTarget, DRAINING_TEXT, {
        target: { ...TARGET, status: 'draining' },
        removed: false,
        openLeases: 3,
      }),
    },
    problems: [404, 409],
  },
  actOnTarget: {
    method: 'POST',
    path: '/admin/targets/{name+}',
    parameterIs: 'target',
    function: 'admin',
    who: 'admin',
    summary: 'Verify a target again, with the credential in force, or dismiss tokens that block its leases.',
    query: NO_QUERY,
    body: body(TargetAction, { action: 'verify' }),
    answers: {
      200: answer(TargetAnswer, 'The target, with what was learned, or the tokens that were dismissed.', {
        target: TARGET,
      }),
      202: answer(TargetAnswer, PENDING_TEXT, { target: PENDING }),
    },
    problems: [404, 409, 502],
    hasEtag: true,
  },
} as const satisfies Readonly<Record<string, OperationDefinition>>;
