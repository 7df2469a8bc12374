import { deleteSecret, getSecret, listSecrets, putSecret } from './core/catalog/secrets.ts';
import { Failed, fail } from './core/model/failure.ts';
import type { AdminPorts } from './core/ports/needs.ts';
import type { Operations } from './http.ts';
import { checkProtectionKey } from './protection-key.ts';
import { allowWarnings } from './wire/answers/allow-words.ts';
import { secretAnswer } from './wire/answers/secret.ts';
import { changedAnswer, etagOf, pageAnswer } from './wire/answers/shared.ts';
import { given } from './wire/given.ts';
import type { SECRET_OPERATIONS } from './wire/operations/secrets.ts';
import { listOrder } from './wire/requests/list.ts';
import { secretOrder } from './wire/requests/secret.ts';

/** The admin routes of dynamic secrets. */
export function adminSecrets(ports: AdminPorts): Pick<Operations<'admin'>, keyof typeof SECRET_OPERATIONS> {
  return {
    listSecrets: async ({ query }) => {
      const { filter, page } = listOrder(query);
      return { status: 200, body: pageAnswer(await listSecrets(ports, filter, page), secretAnswer) };
    },
    putSecret: async ({ origin, path, query, headers, body }) => {
      const order = secretOrder(path.name, body, query, headers);
      await checkProtectionKey(order.protectionJwk);
      const { secret, created, changed, verificationPending } = await putSecret(ports, origin, order).catch(
        (error: unknown) => {
          throw body.namespace === undefined ? error : namingNamespace(error);
        },
      );
      // A credential of the secret's own is replaced with every PUT; it stands in no row that could be compared.
      const names = body.credential === undefined ? changed : [...changed, 'credential'];
      return {
        status: verificationPending === true ? 202 : created ? 201 : 200,
        headers: etagOf(secret),
        body: given({
          secret: secretAnswer(secret),
          changed: changedAnswer(names),
          warnings: allowWarnings(secret.allow),
        }),
      };
    },
    getSecret: async ({ path }) => {
      const secret = await getSecret(ports, path.name);
      return { status: 200, headers: etagOf(secret), body: { secret: secretAnswer(secret) } };
    },
    deleteSecret: async ({ origin, path, query }) => {
      const deletion = await deleteSecret(ports, origin, path.name, { force: query.force === 'true' });
      const { secret, removed, openLeases } = deletion;
      return { status: removed ? 200 : 202, body: { secret: secretAnswer(secret), removed, openLeases } };
    },
  };
}

/** A caller that sent a namespace does not know the resources that it stands for. */
function namingNamespace(error: unknown): unknown {
  if (!(error instanceof Failed) || error.failure.tag !== 'invalid_field') return error;
  const { field, problem } = error.failure;
  return field.startsWith('resources') ? fail({ tag: 'invalid_field', field: 'namespace', problem }) : error;
}
