import type { Verification } from '../../functions/core/model/target.ts';
import type { MintRefusal } from '../../functions/core/ports/sessions.ts';
import type { Aim, FaultPlace, Intensities } from './faults.ts';
import type { Habits } from './habits.ts';

export type InstallationName = 'a' | 'b';
/** Where an outage strikes. */
export type OutagePort = 'hub' | 'leases' | 'catalog' | 'sessions' | 'credentials' | 'sealer' | 'queue' | 'backstop';

/** One thing that happens from outside, at `atMs` after the start. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly does: 'mint';
      readonly mint: string;
      readonly installation: InstallationName;
      readonly secret: string;
      readonly ttlSeconds: number;
      readonly label?: string;
      /** The caller's Idempotency-Key; mints that share one repeat each other. */
      readonly key?: string;
    }
  | { readonly does: 'renew'; readonly mint: string; readonly ttlSeconds: number }
  /** The caller asks for live views of the lease and of a list, and where `deletes`, for its deletion, again and again. */
  | {
      readonly does: 'hammer';
      readonly mint: string;
      readonly everyMs: number;
      readonly times: number;
      readonly deletes: boolean;
    }
  /** The caller, or an admin, wants the lease gone. */
  | { readonly does: 'revoke'; readonly mint: string }
  /** An admin revokes all that match: of a prefix, a target or a caller, or the lease of a leaked token. */
  | { readonly does: 'revoke_matching'; readonly installation: InstallationName; readonly selector: PlannedSelector }
  /** Everything that runs in an installation dies at once. */
  | { readonly does: 'kill'; readonly installation: InstallationName }
  /** The stack is deleted, and nothing of the installation ever runs again. */
  | { readonly does: 'demolish'; readonly installation: InstallationName }
  | { readonly does: 'outage'; readonly port: OutagePort; readonly dark: boolean; readonly forMs: number }
  /** `ageMs`: made so long before; null where the token does not say when. */
  | { readonly does: 'human_create'; readonly username: string; readonly look: Look; readonly ageMs?: number | null }
  | { readonly does: 'human_delete'; readonly username: string; readonly which: number; readonly ours: boolean }
  /** Somebody logs in with a stranger's token; where lists go by use, it moves to their end. */
  | { readonly does: 'human_use'; readonly username: string; readonly which: number }
  | { readonly does: 'human_rename'; readonly username: string; readonly which: number; readonly keepsMark: boolean }
  /** The password is changed on Docker Hub, and then in each installation by an admin who tries until it works. */
  | { readonly does: 'password'; readonly username: string; readonly endsSessions: boolean; readonly afterMs: number }
  /** Somebody stores the credential of another account, past hublease, and puts the right one back. */
  | {
      readonly does: 'rotation';
      readonly installation: InstallationName;
      readonly target: string;
      readonly forMs: number;
    }
  | { readonly does: 'end_sessions'; readonly username: string }
  | { readonly does: 'restore'; readonly installation: InstallationName; readonly backMs: number }
  /** An admin gives a target the credential of another account, which is for core to refuse while leases are open. */
  | {
      readonly does: 'change_account';
      readonly installation: InstallationName;
      readonly target: string;
      readonly username: string;
    }
  | { readonly does: 'delete_target'; readonly installation: InstallationName; readonly target: string }
  /** An admin verifies a target: by putting it with its credential, or with the one that it has. */
  | {
      readonly does: 'verify';
      readonly installation: InstallationName;
      readonly target: string;
      readonly by: 'put' | 'verify';
    }
  /** A user sees none of the account's tokens any more: GET, DELETE and create answer 404, and the list as `how` says. */
  | { readonly does: 'lose_role'; readonly username: string; readonly how: LostRole; readonly forMs: number }
  /** Good passwords of a user get 401, or something else answers logins in Docker Hub's place. */
  | {
      readonly does: 'trouble_logins';
      readonly username: string;
      readonly how: 'refused' | 'edge';
      readonly forMs: number;
    }
  /** An admin who can see that no token of it lives attests a lease that is still open. */
  | { readonly does: 'attest'; readonly mint: string }
);

export type LostRole = 'list_404' | 'list_403';

export type PlannedSelector =
  | { readonly prefix: string }
  | { readonly target: string }
  | { readonly caller: string }
  | { readonly tokenOf: string };

/** How a stranger's token is labelled: at random, not at all, or much as ours are. */
export type Look = 'plain' | 'none' | 'other_account' | 'forged_mac' | 'other_installation' | 'unknown_key' | 'longer';

/**
 * Newest first, a create pushes what is older on to the next page; oldest first, a delete pulls what is newer back; by use, any
 * login moves a token from anywhere to the end.
 */
export type ListOrder = 'newest_first' | 'oldest_first' | 'longest_unused_first';

export interface PlannedTarget {
  readonly name: string;
  readonly username: string;
  readonly organization?: string;
  readonly secret: string;
  readonly renewable?: boolean;
  /** Most open leases of the secret. */
  readonly maxActive?: number;
  /** What a verification has learned; null for a target that none was made of. Absent: what Docker Hub is documented to do. */
  readonly verified?: Partial<Verification> | null;
  /** How far its list was found to lag by use. */
  readonly measuredLagMs?: number;
  readonly allowUnprovenExpiry?: true;
  /** Mints are refused for an hour already, so that the first sweep tries to verify the target. */
  readonly refusedFor?: MintRefusal;
}

/** All that a history depends on, besides its fault decisions. */
export interface Plan {
  readonly seed: number;
  readonly startMs: number;
  readonly installations: readonly InstallationName[];
  /** Every installation has all of them. */
  readonly targets: readonly PlannedTarget[];
  /** Users with two-factor authentication. */
  readonly secondFactor: readonly string[];
  readonly pageSize: number;
  readonly listLagMs: number;
  readonly settleMs: number;
  readonly hubSkewMs: number;
  /** How far the clocks of our own processes are off at most; each is off by its own. Absent: all agree. */
  readonly hostSkewMs?: number;
  /** Requests of one account that Docker Hub answers in a minute; absent: any number. */
  readonly requestsPerMinute?: number;
  /** The order of Docker Hub's lists, which it does not document; absent: `newest_first`. */
  readonly listOrder?: ListOrder;
  /** Whether Docker Hub ends tokens by itself. Without, only hublease's own means count. */
  readonly hubExpires: boolean;
  /** Whether expired tokens stay in the list. */
  readonly listsExpired: boolean;
  /** How late the scheduler is at most; 60 s is what EventBridge promises, a few ms what an embedded one does. */
  readonly schedulerWindowMs: number;
  readonly intensities: Intensities;
  readonly faultPlace: FaultPlace;
  readonly faultsEndMs: number;
  /** Faults at steps that chance alone would seldom strike. */
  readonly aims?: readonly Aim[];
  readonly habits?: Habits;
  readonly happenings: readonly Happening[];
}
