import type { AllowEntry } from './allow.ts';
import type { OatResource, PatScope } from './scope.ts';

/** Who owns a catalog entry: the API, or a CDK stack (API writes to it are refused). */
export type ManagedBy = 'api' | 'cdk';

/** A named recipe for tokens: a target, the broadest scope, limits, and who may lease from it. */
export interface DynamicSecret {
  readonly schema: 1;
  readonly name: string;
  readonly version: number;
  readonly opId: string;
  readonly target: string;
  /** The target was made for this secret only, from an inline credential. It is deleted with the secret. */
  readonly ownTarget?: boolean;
  /** On `user` targets. */
  readonly scope?: PatScope;
  /** On `org` targets. */
  readonly resources?: readonly OatResource[];
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly renewable: boolean;
  /** Maximum open leases at a time; absent means no limit. */
  readonly maxActive?: number;
  /** Maximum mints a minute, and maximum mints at once after a quiet minute; absent means no limit. */
  readonly maxMintsPerMinute?: number;
  /** Only these may lease. */
  readonly allow: readonly AllowEntry[];
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly deleteProtection: boolean;
  /** Label of leases without a label of their own. `{secret}` and `{role}` are replaced. */
  readonly labelTemplate?: string;
  /** Tokens are sealed for the owner of this key, and never returned in clear text. */
  readonly protectionJwk?: Readonly<Record<string, string>>;
  /** `draining`: refuses new leases; removed once its leases are revoked. */
  readonly status: 'ready' | 'draining';
  readonly managedBy: ManagedBy;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}
