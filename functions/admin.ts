import type { AdminPorts } from './core/ports.ts';
import { deleteSecret, getSecret, listSecrets, putSecret } from './core/secrets.ts';
import { deleteTarget, getTarget, listTargets, putTarget } from './core/targets.ts';
import { type HttpHandler, http } from './http.ts';
import type { Log } from './log.ts';
import { pageAnswer, secretAnswer, targetAnswer } from './wire/answers.ts';
import { listOrder, secretOrder, targetOrder } from './wire/requests.ts';

/** Answers the `/admin` routes: targets and dynamic secrets. IAM, or the embedded front door, has let only admins through. */
export function admin(ports: AdminPorts, log: Log): HttpHandler {
  return http('admin', ports, log, {
    listTargets: async ({ query }) => {
      const { filter, page } = listOrder(query);
      return { status: 200, body: pageAnswer(await listTargets(ports, filter, page), targetAnswer) };
    },
    putTarget: async ({ origin, path, query, body }) => {
      const { target, created } = await putTarget(ports, origin, targetOrder(path.name, body, query));
      return { status: created ? 201 : 200, body: { target: targetAnswer(target) } };
    },
    getTarget: async ({ path }) => {
      return { status: 200, body: { target: targetAnswer(await getTarget(ports, path.name)) } };
    },
    deleteTarget: async ({ origin, path, query }) => {
      const deletion = await deleteTarget(ports, origin, path.name, { force: query.force === 'true' });
      const { target, removed, openLeases } = deletion;
      return { status: removed ? 200 : 202, body: { target: targetAnswer(target), removed, openLeases } };
    },
    listSecrets: async ({ query }) => {
      const { filter, page } = listOrder(query);
      return { status: 200, body: pageAnswer(await listSecrets(ports, filter, page), secretAnswer) };
    },
    putSecret: async ({ origin, path, body }) => {
      const { secret, created } = await putSecret(ports, origin, secretOrder(path.name, body));
      return { status: created ? 201 : 200, body: { secret: secretAnswer(secret) } };
    },
    getSecret: async ({ path }) => {
      return { status: 200, body: { secret: secretAnswer(await getSecret(ports, path.name)) } };
    },
    deleteSecret: async ({ origin, path, query }) => {
      const deletion = await deleteSecret(ports, origin, path.name, { force: query.force === 'true' });
      const { secret, removed, openLeases } = deletion;
      return { status: removed ? 200 : 202, body: { secret: secretAnswer(secret), removed, openLeases } };
    },
  });
}
