import type { Secrets } from '../live-check/secrets.ts';
import type { Ask } from './ask.ts';
import type { AwsReads, StackResource } from './aws.ts';
import type { Clock } from './pause.ts';

/** What the checks of one run share. */
export interface Run {
  /** An admin of the installation's own account, who also leases. */
  readonly admin: Ask;
  /** A consumer of another account; absent where the owner named none. */
  readonly consumer?: Ask;
  /** A principal of an account that is no consumer; absent where the owner named none. */
  readonly foreign?: Ask;
  /** Absent where the owner named no stack. */
  readonly aws?: AwsReads;
  readonly clock: Clock;
  readonly secrets: Secrets;
  /** The secret of this run, and no other's. */
  readonly secret: string;
  readonly target: string;
  /** TTL of its leases, as the API takes it. */
  readonly ttl: string;
  /** The most that is waited for what AWS does in its own time. */
  readonly patienceMs: number;
}

/** A lease of the run. */
export interface Leased {
  readonly id: string;
  readonly expiresAtMs: number;
}

/** Resources of the stack by a kind and the end of a construct's path, hash left out: `RevokerFunction`. */
export function resourceOf(
  resources: readonly StackResource[],
  type: string,
  construct: string,
): StackResource | undefined {
  return resources.find(
    (resource) => resource.type === type && new RegExp(`${construct}[0-9A-F]{8}$`).test(resource.logicalId),
  );
}
