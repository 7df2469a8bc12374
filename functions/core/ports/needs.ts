import type { Audit } from './audit.ts';
import type { RateLimits } from './caller-rates.ts';
import type { Catalog, TargetCredentials } from './catalog.ts';
import type { DockerHub, TokenMinter } from './docker-hub.ts';
import type { Clock, Ids, Limits } from './environment.ts';
import type { LeaseStore } from './leases.ts';
import type { LabelKeys, Sealer, TokenSealer } from './sealing.ts';
import type { SessionStore } from './sessions.ts';
import type { Backstop, RevocationQueue } from './triggers.ts';

/**
 * The ports of hublease's core: the contracts for everything that core needs from outside. Unless a method says otherwise, it may
 * reject with any error. Then its effect is unknown: it may have happened, may still happen, or may never happen. Core never
 * shows such an error to a caller. Unless a method says otherwise, it is safe to repeat with the same arguments.
 */

/** What revoking and sweeping need. */
export interface RevokePorts {
  readonly leases: LeaseStore;
  readonly catalog: Catalog;
  readonly credentials: Pick<TargetCredentials, 'read'>;
  readonly sessions: SessionStore;
  readonly sealer: Sealer;
  readonly hub: DockerHub;
  readonly queue: RevocationQueue;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly labels: LabelKeys;
  readonly limits: Limits;
}

/** What the broker needs: revoking and minting. */
export interface MintPorts extends RevokePorts {
  readonly minter: TokenMinter;
  readonly tokenSealer: TokenSealer;
  readonly backstop: Backstop;
  /** A second, slower trigger, if the edition has one. It may be lost without harm. */
  readonly timer?: Backstop;
  /** The callers' rate limits; absent if requests are not counted. */
  readonly rates?: RateLimits;
  /** A token is returned only if its `lease.granted` event is stored. */
  readonly auditRequired?: boolean;
}

/** What a verification needs: creating a token and revoking it. */
export interface VerifyPorts extends RevokePorts {
  readonly minter: TokenMinter;
}

/** What sweeping needs: revoking, removing drained targets and secrets, and verifying targets whose mints are refused. */
export interface SweepPorts extends VerifyPorts {
  readonly credentials: Pick<TargetCredentials, 'read' | 'remove'>;
}

/** What the admin routes need. */
export interface AdminPorts extends VerifyPorts {
  readonly credentials: TargetCredentials;
}
