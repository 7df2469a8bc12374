/** All that the fake Docker Hub knows, in one place that the routes are given. */

import { randomBytes } from 'node:crypto';
import { Logins } from './login/logins.ts';
import { DEFAULT_IMAGES, DEFAULT_LOGIN_FAILURE_LIMIT, DEFAULT_TOKEN_CAP, type FakeHubOptions } from './options.ts';
import type { Persistence } from './persistence.ts';
import { type FakeHubSettings, startingSettings } from './settings.ts';
import type { TokenRow } from './tokens/token-row.ts';
import { Tokens } from './tokens/tokens.ts';

export interface Organization {
  readonly owners: ReadonlySet<string>;
  /** Full names. */
  readonly repositories: ReadonlySet<string>;
  readonly tokenCap: number;
}

export class Hub {
  readonly tokens: Tokens;
  readonly logins: Logins;
  readonly organizations: ReadonlyMap<string, Organization>;
  readonly publicRepositories: ReadonlySet<string>;
  /** Full names of the repositories that have the registry's image. */
  readonly images: ReadonlySet<string>;
  settings: FakeHubSettings;
  readonly #clockMs: () => number;
  readonly #persistence: Persistence;
  #sessionKey: Buffer;

  constructor(options: FakeHubOptions, persistence: Persistence) {
    this.organizations = new Map(
      (options.organizations ?? []).map((organization) => {
        const name = organization.name.toLowerCase();
        return [
          name,
          {
            owners: new Set(organization.owners.map((owner) => owner.toLowerCase())),
            repositories: new Set((organization.repositories ?? []).map((repository) => `${name}/${repository}`)),
            tokenCap: organization.tokenCap ?? DEFAULT_TOKEN_CAP,
          },
        ];
      }),
    );
    this.tokens = new Tokens(persistence);
    this.logins = new Logins(
      persistence,
      options.accounts,
      [...this.organizations.keys()],
      options.loginFailureLimit ?? DEFAULT_LOGIN_FAILURE_LIMIT,
    );
    this.publicRepositories = new Set(options.publicRepositories);
    this.images = new Set(options.images ?? DEFAULT_IMAGES);
    this.settings = startingSettings(options);
    this.#clockMs = options.nowMs ?? Date.now;
    this.#persistence = persistence;
    const stored = persistence.rows().find(({ key }) => key === 'session-key')?.value;
    this.#sessionKey = typeof stored === 'string' ? Buffer.from(stored, 'base64') : Buffer.alloc(0);
    if (this.#sessionKey.length === 0) this.endSessions();
  }

  nowMs(): number {
    return this.#clockMs() + this.settings.clockOffsetMs;
  }

  get sessionKey(): Buffer {
    return this.#sessionKey;
  }

  /** Makes every bearer that was ever given out worthless. */
  endSessions(): void {
    this.#sessionKey = randomBytes(32);
    this.#persistence.put('session-key', this.#sessionKey.toString('base64'));
  }

  /** Whether the token is past its own expiry, where that counts. */
  isExpired(row: TokenRow): boolean {
    return this.settings.expireTokens && row.expiresAtMs !== null && row.expiresAtMs <= this.nowMs();
  }

  /** Whether the token opens anything. Lags of `auth.docker.io` do not count. */
  isLive(row: TokenRow): boolean {
    return row.deletedAtMs === undefined && row.isActive && !this.isExpired(row);
  }

  /** The live token with this value, when the API lets it log in with `name`. */
  loginToken(name: string, value: string): TokenRow | undefined {
    const row = this.tokens.byValue(value);
    const nameFits = row?.account === name || this.settings.tokenLoginName === 'any';
    return row !== undefined && nameFits && this.isLive(row) ? row : undefined;
  }

  /** The token with this value, when it belongs to `account` and `auth.docker.io`, with its lags, takes it. */
  registryToken(account: string, value: string): TokenRow | undefined {
    const row = this.tokens.byValue(value);
    if (row === undefined || row.account !== account || this.isExpired(row)) return undefined;
    const { registryNewLagMs, registryGoneLagMs } = this.settings;
    const nowMs = this.nowMs();
    if (registryNewLagMs > 0 && nowMs < row.createdAtMs + registryNewLagMs) return undefined;
    if (this.isLive(row)) return row;
    const goneAtMs = row.inactiveSinceMs ?? row.deletedAtMs;
    return goneAtMs !== undefined && nowMs < goneAtMs + registryGoneLagMs ? row : undefined;
  }
}
