/** What the fake Docker Hub is told when it starts. */

import type { LoginRoute } from './answer.ts';
import type { FakeHubSettings } from './settings.ts';

/** A Docker Hub user of the fake. Names are compared in lower case, as Docker Hub's are. */
export interface FakeAccount {
  readonly username: string;
  readonly password: string;
  /** Base32. Given: two-factor authentication is on, and the password alone opens no session. */
  readonly totpSecret?: string;
  readonly email?: string;
  /** Routes that refuse the password with 401: both under enforced single sign-on; `auth-token` was seen alone. */
  readonly refusedRoutes?: readonly LoginRoute[];
}

export interface FakeOrganization {
  readonly name: string;
  /** User names that may manage the organization's access tokens. */
  readonly owners: readonly string[];
  /** Repositories that exist, without the organization's name. A token resource may name only these. */
  readonly repositories?: readonly string[];
  /** Most access tokens, expired and inactive ones included. Docker's Team plan has 10, Business 100. */
  readonly tokenCap?: number;
}

/** Docker's Business plan. */
export const DEFAULT_TOKEN_CAP = 100;

/** Failed logins of one user name before it is locked out. Docker does not publish its own number. */
export const DEFAULT_LOGIN_FAILURE_LIMIT = 10;

/** Where the registry has its image unless told: with the account of `npm start`. */
export const DEFAULT_IMAGES: readonly string[] = ['demo/hello'];

export interface FakeHubOptions extends Partial<FakeHubSettings> {
  readonly accounts: readonly FakeAccount[];
  readonly organizations?: readonly FakeOrganization[];
  /**
   * Full names (`acme/site`) of public repositories. Other repositories of a known user or organization are private, and those
   * of everybody else are public.
   */
  readonly publicRepositories?: readonly string[];
  /** Full names of the repositories whose tag `latest` is the one image of the fake's registry. `demo/hello` unless given. */
  readonly images?: readonly string[];
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  readonly nowMs?: () => number;
  /** State is kept here across restarts; the folder is made when missing. Absent: in memory only. */
  readonly dataFile?: string;
  readonly loginFailureLimit?: number;
  /** 0 to below 1; decides faults with a probability. Default: seeded with `seed`. */
  readonly random?: () => number;
  readonly seed?: number;
  /** How latency is waited for. Default: real time. */
  readonly sleep?: (ms: number) => Promise<void>;
}
