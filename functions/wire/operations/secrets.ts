import { DeletedSecret, PutSecretAnswer, SecretAnswer, SecretSchema } from '../answers/secret.ts';
import { pageOf } from '../answers/shared.ts';
import { SecretsQuery } from '../requests/list.ts';
import { SecretBody } from '../requests/secret.ts';
import { ForceQuery, VerifyQuery } from '../requests/target.ts';
import { answer, body, IF_MATCH, NO_QUERY, type OperationDefinition } from './operation.ts';
import { ALLOW, SECRET } from './samples.ts';
import { DRAINING_TEXT } from './targets.ts';

const PENDING_TEXT =
  'The dynamic secret; Docker Hub took too long for the verification of its credential to be completed. Ask for it again by its target.';

/** What admins do with dynamic secrets. */
export const SECRET_OPERATIONS = {
  listSecrets: {
    method: 'GET',
    path: '/admin/secrets',
    function: 'admin',
    who: 'admin',
    summary: 'List dynamic secrets by name.',
    query: SecretsQuery,
    answers: { 200: answer(pageOf(SecretSchema), 'A page of dynamic secrets.', { items: [SECRET] }) },
    problems: [],
  },
  putSecret: {
    method: 'PUT',
    path: '/admin/secrets/{name+}',
    parameterIs: 'secret',
    function: 'admin',
    who: 'admin',
    summary: 'Create or change a dynamic secret.',
    query: VerifyQuery,
    headers: { 'if-match': IF_MATCH },
    body: body(SecretBody, {
      target: 'acme-bot',
      scope: 'repo:write',
      defaultTtl: '15m',
      maxTtl: '1h',
      maxActive: 20,
      allow: ALLOW,
      description: 'Pushes releases',
    }),
    answers: {
      200: answer(PutSecretAnswer, 'The dynamic secret as changed.', { secret: SECRET, changed: ['maxActive'] }),
      201: answer(PutSecretAnswer, 'The new dynamic secret.', {
        secret: SECRET,
        changed: ['allow', 'name', 'scope', 'target'],
      }),
      202: answer(PutSecretAnswer, PENDING_TEXT, { secret: SECRET, changed: ['credential'] }),
    },
    problems: [404, 409, 412, 422, 502],
    hasEtag: true,
  },
  getSecret: {
    method: 'GET',
    path: '/admin/secrets/{name+}',
    parameterIs: 'secret',
    function: 'admin',
    who: 'admin',
    summary: 'Show one dynamic secret.',
    query: NO_QUERY,
    answers: { 200: answer(SecretAnswer, 'The dynamic secret.', { secret: SECRET }) },
    problems: [404],
    hasEtag: true,
  },
  deleteSecret: {
    method: 'DELETE',
    path: '/admin/secrets/{name+}',
    parameterIs: 'secret',
    function: 'admin',
    who: 'admin',
    summary: 'Delete a dynamic secret, or let it drain.',
    query: ForceQuery,
    answers: {
      200: answer(DeletedSecret, 'The dynamic secret is gone.', {
        secret: { ...SECRET, status: 'draining' },
        removed: true,
        openLeases: 0,
      }),
      202: answer(DeletedSecret, DRAINING_TEXT, {
        secret: { ...SECRET, status: 'draining' },
        removed: false,
        openLeases: 3,
      }),
    },
    problems: [404, 409],
  },
} as const satisfies Readonly<Record<string, OperationDefinition>>;
