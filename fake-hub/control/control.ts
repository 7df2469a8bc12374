/** How tests and demos look into the fake and steer it. None of this exists at Docker Hub. */

import type { RouteName } from '../answer.ts';
import type { FakeFault, Faults } from '../faults.ts';
import type { Held } from '../held.ts';
import type { Hub } from '../hub.ts';
import type { LoginCount } from '../login/logins.ts';
import type { FakeHubSettings } from '../settings.ts';
import type { RateLimit } from '../throttle.ts';
import type { NewToken, OddForm, TokenKind, TokenPatch, TokenResource, TokenRow } from '../tokens/token-row.ts';
import { settleDeletes } from '../variations/deletes.ts';
import { tokensBefore } from '../variations/tokens-before.ts';
import { VARIATIONS, type VariationName } from '../variations.ts';

/** A token as the control shows it, without its value, which the fake does not keep. */
export interface FakeTokenView
  extends Pick<
    TokenRow,
    | 'id'
    | 'account'
    | 'kind'
    | 'label'
    | 'scopes'
    | 'resources'
    | 'createdAtMs'
    | 'expiresAtMs'
    | 'lastUsedAtMs'
    | 'isActive'
    | 'creatorUserAgent'
    | 'foreign'
  > {
  /** Whether it was deleted. False while a late delete is still to come. */
  readonly deleted: boolean;
  /**
   * Whether it still logs in: not deleted, not inactive, and not past its true expiry. `auth.docker.io` accepts exactly the live
   * tokens once its own lag is over.
   */
  readonly live: boolean;
}

export interface FakeDeletion {
  readonly id: string;
  readonly account: string;
  readonly label: string;
  readonly atMs: number;
  /** User name that asked for it. */
  readonly by: string;
  readonly foreign: boolean;
}

export interface ForeignToken {
  readonly account: string;
  readonly kind: TokenKind;
  readonly label: string;
  readonly scopes?: readonly string[];
  readonly resources?: readonly TokenResource[];
  readonly createdAtMs?: number;
  readonly expiresAtMs?: number | null;
  readonly isActive?: boolean;
  readonly creatorUserAgent?: string;
  /** The field that its answers leave out. The control still shows it. */
  readonly odd?: OddForm;
}

export interface FakeCalls {
  /** Requests that arrived, by route, refused and failed ones included. */
  readonly routes: Readonly<Record<RouteName, number>>;
  /**
   * Logins by user name or organization. A right password that waits for its second factor is neither, and so is one that gets
   * a 401 all the same.
   */
  readonly logins: Readonly<Record<string, LoginCount>>;
  /** Tokens that were made through routes, DELETEs that were answered with success, and pages of lists that were asked for. */
  readonly creates: number;
  readonly deletes: number;
  readonly lists: number;
}

export interface FakeHubControl {
  /** Every token, deleted ones included. */
  tokens(): FakeTokenView[];
  /** What was deleted, in the order in which it happened. */
  deletions(): FakeDeletion[];
  /** Every PATCH that was applied. */
  patches(): TokenPatch[];
  calls(): FakeCalls;
  settings(): FakeHubSettings;
  /** Changes the settings that are given. */
  set(settings: Partial<FakeHubSettings>): void;
  setExpiry(on: boolean): void;
  /**
   * Switches a variation on and makes the tokens that exist beforehand. It does not lose a create: only the caller knows which
   * one, and arms `setFaults` for it.
   */
  applyVariation(name: VariationName, place: { readonly kind: TokenKind; readonly account: string }): void;
  /** Whether `auth.docker.io` accepts this token once its lag is over. */
  logsIn(token: string): boolean;
  /** Replaces all faults; an empty list ends them. */
  setFaults(faults: readonly FakeFault[]): void;
  /** Makes a token that no route was asked for, and returns its value. */
  createForeignToken(token: ForeignToken): { readonly id: string; readonly token: string };
  /** Answers what `hold` holds and applies what `apply-late` put off; how many there were. */
  release(): number;
  /** How many requests wait for `release`. */
  heldCount(): number;
  /** Changes a password while the fake runs, as an account's owner would; false for an unknown user. */
  setPassword(username: string, password: string): boolean;
  /** Ends every session and half-finished login. */
  endSessions(): void;
  /** Forgets tokens, records, counters, lockouts, faults and held requests, and restores the settings of the start. */
  reset(): void;
}

/** How many requests each route has had. */
export type RouteCounts = Map<RouteName, number>;

export interface ControlParts {
  readonly hub: Hub;
  readonly faults: Faults;
  readonly rateLimit: RateLimit;
  readonly held: Held;
  readonly counts: RouteCounts;
  readonly applied: { creates: number; deletes: number };
  readonly startingSettings: FakeHubSettings;
  readonly routeNames: readonly RouteName[];
}

export function makeControl(parts: ControlParts): FakeHubControl {
  const { hub, faults, rateLimit, held, counts, applied } = parts;
  const set = (settings: Partial<FakeHubSettings>) => {
    hub.settings = { ...hub.settings, ...settings };
  };
  /** Every token as it is now. */
  const rows = () => {
    settleDeletes(hub);
    return hub.tokens.all();
  };
  const createForeignToken = (token: ForeignToken) => {
    const { row, value } = hub.tokens.create(foreignToken(hub, token), hub.settings.tokenIdForm);
    return { id: row.id, token: value };
  };
  return {
    tokens: () => rows().map((row) => view(hub, row)),
    deletions: () =>
      rows()
        .flatMap(deletion)
        .sort((a, b) => a.atMs - b.atMs),
    patches: () => hub.tokens.patches(),
    calls: () => ({
      routes: Object.fromEntries(parts.routeNames.map((name) => [name, counts.get(name) ?? 0])) as FakeCalls['routes'],
      logins: hub.logins.counts(),
      ...applied,
      lists: (counts.get('pat-list') ?? 0) + (counts.get('oat-list') ?? 0),
    }),
    settings: () => hub.settings,
    set,
    setExpiry: (on) => set({ expireTokens: on }),
    setFaults: (list) => faults.set(list),
    applyVariation(name, place) {
      set(VARIATIONS[name].settings);
      for (const token of tokensBefore(VARIATIONS[name], hub.nowMs())) createForeignToken({ ...place, ...token });
    },
    logsIn(token) {
      settleDeletes(hub);
      const row = hub.tokens.byValue(token);
      return row !== undefined && hub.isLive(row);
    },
    createForeignToken,
    release: () => held.release(),
    heldCount: () => held.count,
    setPassword: (username, password) => hub.logins.setPassword(username.toLowerCase(), password),
    endSessions: () => hub.endSessions(),
    reset() {
      held.drop();
      faults.set([]);
      rateLimit.reset();
      counts.clear();
      applied.creates = 0;
      applied.deletes = 0;
      hub.tokens.reset();
      hub.logins.reset();
      hub.settings = parts.startingSettings;
    },
  };
}

function foreignToken(hub: Hub, token: ForeignToken): NewToken {
  return {
    kind: token.kind,
    account: token.account.toLowerCase(),
    label: token.label,
    description: '',
    scopes: token.scopes ?? (token.kind === 'pat' ? ['repo:read'] : []),
    resources: token.resources ?? [],
    createdAtMs: token.createdAtMs ?? hub.nowMs(),
    expiresAtMs: token.expiresAtMs ?? null,
    isActive: token.isActive ?? true,
    createdBy: token.account.toLowerCase(),
    creatorIp: '127.0.0.1',
    creatorUserAgent: token.creatorUserAgent ?? 'fake-docker-hub-control',
    foreign: true,
    ...(token.odd === undefined ? {} : { odd: token.odd }),
  };
}

function view(hub: Hub, row: TokenRow): FakeTokenView {
  const { id, account, kind, label, scopes, resources, createdAtMs, expiresAtMs, lastUsedAtMs, isActive } = row;
  return {
    id,
    account,
    kind,
    label,
    scopes,
    resources,
    createdAtMs,
    expiresAtMs,
    lastUsedAtMs,
    isActive,
    creatorUserAgent: row.creatorUserAgent,
    foreign: row.foreign,
    deleted: row.deletedAtMs !== undefined,
    live: hub.isLive(row),
  };
}

function deletion(row: TokenRow): FakeDeletion[] {
  const { id, account, label, deletedAtMs: atMs, deletedBy: by, foreign } = row;
  return atMs === undefined || by === undefined ? [] : [{ id, account, label, atMs, by, foreign }];
}
