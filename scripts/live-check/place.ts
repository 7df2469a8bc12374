import type { OatResource, PatScope } from '../../functions/core/model/scope.ts';
import type { TokenPlace } from '../../functions/core/ports/docker-hub.ts';

const HOUR_SECONDS = 3_600;

/** What a create of this run asks for beside its label. */
export interface Order {
  readonly scope?: PatScope;
  readonly resources?: readonly OatResource[];
  /** Null: no expiry is asked for. */
  readonly lifeSeconds: number | null;
}

/** Where tokens are made, and what the run has learned of it so far. */
export interface Place {
  readonly at: TokenPlace;
  /** In answers. */
  readonly name: 'personal' | 'organization';
  /** User name of its tokens at the registry. */
  readonly username: string;
  /** As far as Docker Hub takes it; the narrowest and shortest at first. */
  order: Order;
  /** Ids that were listed before the run made anything. */
  before: ReadonlySet<string>;
  /** How many tokens Docker Hub counted then that no page showed. */
  hidden: number;
  pageSize: number;
  /** Delay between a create and the token's place in the list; absent where it was not seen. */
  listLagMs?: number;
  /** The same for the token's own GET. */
  getLagMs?: number;
}

export function personalPlace(username: string): Place {
  const order: Order = { scope: 'repo:public_read', lifeSeconds: HOUR_SECONDS };
  return { at: { kind: 'pat' }, name: 'personal', username, order, ...UNKNOWN };
}

export function organizationPlace(organization: string): Place {
  const resources: OatResource[] = [{ type: 'TYPE_REPO', path: '*/*/public', scopes: ['scope-image-pull'] }];
  const order: Order = { resources, lifeSeconds: HOUR_SECONDS };
  return { at: { kind: 'oat', organization }, name: 'organization', username: organization, order, ...UNKNOWN };
}

const UNKNOWN = { before: new Set<string>(), hidden: 0, pageSize: 100 };
