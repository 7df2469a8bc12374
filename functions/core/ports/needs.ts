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
 * The ports of hublease's core: what it needs from the world, as contracts. Unless a method says otherwise, it may reject with
 * any error, which means that its effect is unknown: it may have happened, may still happen, or never will. Core never shows
 * such an error to anyone. Every method is safe to repeat with the same arguments unless it says otherwise.
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

/** What the broker needs: revoking, and what minting takes besides. */
export interface MintPorts extends RevokePorts {
  readonly minter: TokenMinter;
  readonly tokenSealer: TokenSealer;
  readonly backstop: Backstop;
  /** A second, slower trigger, where the edition has one; losing it loses nothing. */
  readonly timer?: Backstop;
  /** How often callers may ask; absent where nobody counts. */
  readonly rates?: RateLimits;
  /** No token is answered unless its `lease.granted` is stored. */
  readonly auditRequired?: boolean;
}

/** What a verification needs: revoking, and creating the token that it deletes. */
export interface VerifyPorts extends RevokePorts {
  readonly minter: TokenMinter;
}

/** What sweeping needs: revoking, removing what has drained, and verifying targets whose mints are refused. */
export interface SweepPorts extends VerifyPorts {
  readonly credentials: Pick<TargetCredentials, 'read' | 'remove'>;
}

/** What the admin routes need. */
export interface AdminPorts extends VerifyPorts {
  readonly credentials: TargetCredentials;
}
