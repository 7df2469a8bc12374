import { deleteTarget, getTarget, listTargets, putTarget, verifyTarget } from './core/catalog/targets.ts';
import { dismissTokens } from './core/ending/dismiss.ts';
import { readTargetState } from './core/hub/target-state.ts';
import type { AdminPorts } from './core/ports/needs.ts';
import type { Operations } from './http.ts';
import { changedAnswer, etagOf, pageAnswer } from './wire/answers/shared.ts';
import { targetAnswer } from './wire/answers/target.ts';
import type { TARGET_OPERATIONS } from './wire/operations/targets.ts';
import { listOrder } from './wire/requests/list.ts';
import { targetAction, targetOrder } from './wire/requests/target.ts';

/** The admin routes of targets. */
export function adminTargets(ports: AdminPorts): Pick<Operations<'admin'>, keyof typeof TARGET_OPERATIONS> {
  return {
    listTargets: async ({ query }) => {
      const { filter, page } = listOrder(query);
      const targets = await listTargets(ports, filter, page);
      return { status: 200, body: pageAnswer(targets, (target) => targetAnswer(target)) };
    },
    putTarget: async ({ origin, path, query, headers, body }) => {
      const put = await putTarget(ports, origin, targetOrder(path.name, body, query, headers));
      const { target, created, changed, verificationPending } = put;
      return {
        status: verificationPending ? 202 : created ? 201 : 200,
        headers: etagOf(target),
        body: { target: targetAnswer(target, { pending: verificationPending }), changed: changedAnswer(changed) },
      };
    },
    getTarget: async ({ path }) => {
      const target = await getTarget(ports, path.name);
      const state = await readTargetState(ports, target.name);
      return { status: 200, headers: etagOf(target), body: { target: targetAnswer(target, { state }) } };
    },
    deleteTarget: async ({ origin, path, query }) => {
      const deletion = await deleteTarget(ports, origin, path.name, { force: query.force === 'true' });
      const { target, removed, openLeases } = deletion;
      return { status: removed ? 200 : 202, body: { target: targetAnswer(target), removed, openLeases } };
    },
    actOnTarget: async ({ origin, path, body }) => {
      const order = targetAction(body);
      if (order.action === 'dismiss') {
        const target = await dismissTokens(ports, origin, path.name, order.tokenIds);
        return { status: 200, headers: etagOf(target), body: { target: targetAnswer(target) } };
      }
      const { target, pending } = await verifyTarget(ports, origin, path.name);
      return {
        status: pending ? 202 : 200,
        headers: etagOf(target),
        body: { target: targetAnswer(target, { pending }) },
      };
    },
  };
}
