import type { DynamicSecret } from '../model/secret.ts';
import type { Credential, Target } from '../model/target.ts';
import type { WriteOutcome } from './leases.ts';
import type { Page, PageRequest } from './pages.ts';

/** Targets and secrets, without credentials. Called by mint, revoke, sweep and the admin routes. */
export interface Catalog {
  /** Strongly consistent, like all single reads of this port. */
  getSecret(name: string): Promise<DynamicSecret | undefined>;
  /**
   * Writes the row if the stored version is `secret.version - 1` (0 means absent). Also `written` if the stored row already has
   * this `opId`.
   */
  putSecret(secret: DynamicSecret): Promise<WriteOutcome>;
  /** Removes the row if its version is `version`. Also `written` if the row is already gone. */
  deleteSecret(name: string, version: number): Promise<WriteOutcome>;
  /** By name, ascending. `prefix` covers whole segments. */
  listSecrets(
    filter: { readonly prefix?: string; readonly target?: string },
    page: PageRequest,
  ): Promise<Page<DynamicSecret>>;
  getTarget(name: string): Promise<Target | undefined>;
  putTarget(target: Target): Promise<WriteOutcome>;
  deleteTarget(name: string, version: number): Promise<WriteOutcome>;
  listTargets(filter: { readonly prefix?: string }, page: PageRequest): Promise<Page<Target>>;
}

/**
 * The credentials of targets, encrypted at rest. A new credential is staged, proven by a login, and only then made current.
 * Called by session (read) and the admin routes (all).
 */
export interface TargetCredentials {
  /**
   * The current credential and its version, or undefined when none is stored. Rejects with CredentialOutOfReach if the credential
   * is encrypted with a key that is missing in the installation's settings.
   */
  read(target: string): Promise<{ readonly credential: Credential; readonly version: string } | undefined>;
  /** Stores a credential beside the current one and returns its version. A repeated call makes another version. */
  stage(target: string, credential: Credential): Promise<string>;
  /** Makes a staged version the current one. */
  promote(target: string, version: string): Promise<void>;
  /** Removes every version. */
  remove(target: string): Promise<void>;
}
