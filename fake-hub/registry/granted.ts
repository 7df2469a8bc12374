/** What a login may do with a repository, as the `access` claim of a bearer says it. */

import type { Hub } from '../hub.ts';
import { imageActions } from '../tokens/oat-resources.ts';
import { PAT_SCOPES } from '../tokens/pat-routes.ts';
import type { Holder } from './token-exchange.ts';

const ACTIONS = ['pull', 'push', 'delete'];

/** One entry of the claim. */
export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What is both asked for and allowed. Each of `scopes` may hold several, with spaces between. */
export function grantedAccess(hub: Hub, holder: Holder, scopes: readonly string[]): Access[] {
  return scopes.flatMap((list) => list.split(' ')).flatMap((scope) => granted(hub, holder, scope));
}

/** One `type:name:actions` as an entry of the `access` claim; something that is no scope is left out. */
function granted(hub: Hub, holder: Holder, scope: string): Access[] {
  const [, type, name, wanted] = /^([a-z()]+):([^\s]+):([a-z,*]+)$/.exec(scope) ?? [];
  if (type === undefined || name === undefined || wanted === undefined) return [];
  const allowed = type === 'repository' ? allowedActions(hub, holder, name) : [];
  const asked = wanted.split(',');
  // `*` is everything, and so is granted only to who may do everything.
  const all = asked.includes('*') && allowed.length === ACTIONS.length ? ['*'] : [];
  return [{ type, name, actions: [...allowed.filter((action) => asked.includes(action)), ...all] }];
}

function allowedActions(hub: Hub, holder: Holder, repository: string): string[] {
  const namespace = repository.split('/')[0] ?? '';
  const isKnown = hub.logins.account(namespace) !== undefined || hub.organizations.has(namespace);
  const isPublic = !isKnown || hub.publicRepositories.has(repository);
  const publicActions = isPublic ? ['pull'] : [];
  if (holder.as === 'nobody') return publicActions;
  if (holder.as === 'token' && holder.row.kind === 'oat') {
    return imageActions(holder.row.resources, repository, isPublic);
  }
  const name = holder.as === 'token' ? holder.row.account : holder.name;
  const reaches = namespace === name || hub.organizations.get(namespace)?.owners.has(name) === true;
  if (!reaches) return publicActions;
  if (holder.as !== 'token') return ACTIONS;
  const widest = Math.max(...holder.row.scopes.map((scope) => PAT_SCOPES.indexOf(scope)));
  // `repo:public_read` is the narrowest, and reaches public repositories alone.
  return widest === 0 ? publicActions : ACTIONS.slice(0, widest);
}
