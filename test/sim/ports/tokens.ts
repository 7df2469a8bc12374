import type { HubToken } from '../../../functions/core/ports/docker-hub.ts';
import { leastLagMs, MAX_USUAL_LAG_MS } from '../bounds.ts';
import { CANARY } from '../canary.ts';
import { type Habits, keptExpiryMs, keptLabel, shownCreator } from '../habits.ts';
import type { InstallationName, Plan } from '../plan.ts';
import { unitOf } from '../prng.ts';
import type { World } from '../world.ts';

const MINUTE_MS = 60_000;
const OUR_AGENT = 'hublease/0.1.0';
const PROXY_AGENT = 'Go-http-client/2.0';
const BROWSER = 'Mozilla/5.0';

export interface SimToken {
  readonly tokenId: string;
  label: string;
  /** The first word of the label that was sent: by it hublease knows its own. */
  readonly mark: string;
  /** Null where nobody knows any more. */
  readonly createdAtMs: number | null;
  /** As it is kept and shown. */
  readonly expiresAtMs: number | null;
  readonly value: string;
  /** The user who made it, and with what. */
  readonly madeBy: string;
  readonly agent: string;
  /** Undefined for what a human made. */
  readonly owner: { readonly installation: InstallationName; readonly leaseId: string } | undefined;
  readonly duplicate: boolean;
  /** When lists, and GET, begin to show it. */
  readonly listedFromMs: number;
  readonly readFromMs: number;
  /** From when a delete holds. */
  deletedAtMs?: number;
  /** A delete left it there, inactive. */
  soft?: true;
  touchedByHuman: boolean;
  lives(): boolean;
  /** When it ceased to live; undefined while it does. */
  diedAtMs(): number | undefined;
}

/** What a token is made of. */
export interface Making {
  readonly label: string;
  readonly expiresAtMs: number | null;
  readonly madeBy: string;
  /** Undefined for a human's. */
  readonly owner?: SimToken['owner'];
  readonly duplicate?: boolean;
  /** Made so long ago; null: it does not say when. */
  readonly ageMs?: number | null;
}

/** Docker Hub's tokens by account, and what it shows of them. */
export class Tokens {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #byAccount = new Map<string, SimToken[]>();
  #made = 0;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
  }

  /** Docker Hub's clock. */
  get nowMs(): number {
    return this.#world.nowMs + this.#plan.hubSkewMs;
  }

  /** The habits that it has now. */
  get habits(): Habits {
    const { startMs, faultsEndMs, habits = {} } = this.#plan;
    return this.#world.nowMs < startMs + faultsEndMs ? habits : {};
  }

  /** Those of an account, dead ones included, oldest first. */
  at(account: string): SimToken[] {
    const tokens = this.#byAccount.get(account) ?? [];
    this.#byAccount.set(account, tokens);
    return tokens;
  }

  find(tokenId: string | undefined): SimToken | undefined {
    for (const tokens of this.#byAccount.values()) {
      const token = tokens.find((one) => one.tokenId === tokenId);
      if (token !== undefined) return token;
    }
    return undefined;
  }

  make(account: string, { owner, madeBy, duplicate = false, ...asked }: Making): SimToken {
    const { nowMs } = this.#world;
    const habits = owner === undefined ? {} : this.habits;
    this.#made += 1;
    const tokenId = `t${this.#made}`;
    const expiresAtMs = keptExpiryMs(habits.expiry, asked.expiresAtMs);
    const ageMs = asked.ageMs === undefined ? 0 : asked.ageMs;
    const token: SimToken = {
      tokenId,
      label: keptLabel(habits.label, asked.label),
      mark: markOf(asked.label),
      createdAtMs: ageMs === null ? null : this.nowMs - ageMs,
      expiresAtMs,
      value: `dckr_pat_${CANARY}-${tokenId}`,
      madeBy,
      // A proxy does not go with the faults: what a verification learns of it holds for tokens that were made before.
      agent: owner === undefined ? BROWSER : this.#plan.habits?.creator === 'proxy' ? PROXY_AGENT : OUR_AGENT,
      owner,
      duplicate,
      listedFromMs: nowMs + this.#lagMs(tokenId, 'new'),
      readFromMs: nowMs + (habits.getLagMs ?? 0),
      touchedByHuman: false,
      lives: () => token.diedAtMs() === undefined,
      diedAtMs: () => {
        const endsMs =
          this.#plan.hubExpires && expiresAtMs !== null ? expiresAtMs - this.#plan.hubSkewMs : Number.POSITIVE_INFINITY;
        const atMs = Math.min(endsMs, token.deletedAtMs ?? Number.POSITIVE_INFINITY);
        return atMs <= this.#world.nowMs ? atMs : undefined;
      },
    };
    this.at(account).push(token);
    return token;
  }

  /** Whether a delete of it has been done. */
  isDeleted({ deletedAtMs }: SimToken): boolean {
    return deletedAtMs !== undefined && deletedAtMs <= this.#world.nowMs;
  }

  /** Whether it can be read by its id. */
  isShown(token: SimToken): boolean {
    if (this.#world.nowMs < token.readFromMs) return false;
    if (this.isDeleted(token)) return token.soft === true;
    return this.#plan.listsExpired || token.lives();
  }

  isListed(token: SimToken): boolean {
    const { nowMs } = this.#world;
    if (nowMs < token.listedFromMs) return false;
    if (this.isDeleted(token) && token.soft !== true) {
      return nowMs < (token.deletedAtMs as number) + this.#lagMs(token.tokenId, 'gone');
    }
    return this.isDeleted(token) || this.#plan.listsExpired || token.lives();
  }

  #lagMs(tokenId: string, what: 'new' | 'gone'): number {
    const { listLagMs, seed } = this.#plan;
    if (listLagMs === 0) return 0;
    const least = what === 'new' && listLagMs > MAX_USUAL_LAG_MS ? leastLagMs(listLagMs) : 0;
    return least + Math.floor(unitOf(seed, `${tokenId} ${what}`) * (listLagMs - least));
  }

  /** A token as it is shown by its id, or in a list that may lag. */
  view(token: SimToken, kind: 'pat' | 'oat', where: 'read' | 'list'): HubToken {
    const { tokenId, label, expiresAtMs } = token;
    const { creator, times } = this.habits;
    const createdAtMs = times === 'missing' ? null : token.createdAtMs;
    // Used all the time, and told by the minute.
    const lastMinuteMs = this.nowMs - (this.nowMs % MINUTE_MS);
    const lastUsedAtMs = lastMinuteMs > (token.createdAtMs ?? lastMinuteMs) ? lastMinuteMs : null;
    const lagMs = where === 'list' ? this.#lagMs(tokenId, 'gone') : 0;
    const isActive = token.soft !== true || this.#world.nowMs < (token.deletedAtMs as number) + lagMs;
    return { tokenId, label, createdAtMs, isActive, expiresAtMs, lastUsedAtMs, ...shownCreator(creator, kind, token) };
  }
}

/** Whether the label still says whose the token is. */
export function bearsMark({ label, mark }: SimToken): boolean {
  return markOf(label) === mark;
}

function markOf(label: string): string {
  return label.split(' ', 1)[0] as string;
}
