import { randomInt } from 'node:crypto';
import type { HubToken, TokenPlace } from '../../functions/core/ports/docker-hub.ts';

const LABEL_PREFIX = 'hublease-live-check';
const RUN_ID_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const RUN_ID_LENGTH = 8;

/** A create of this run, and what is known of its token. */
export interface MadeToken {
  readonly at: TokenPlace;
  /** As it was sent. */
  readonly label: string;
  /** Null: no expiry was asked for. */
  askedExpiresAtMs: number | null;
  /**
   * `unknown`: it was sent, and no answer said what it made. `refused`: Docker Hub said no in its own form, and most likely made
   * nothing.
   */
  outcome: 'unsent' | 'unknown' | 'refused' | 'made';
  /** What the create had come to when its token was found in a list. */
  foundAfter?: 'unknown' | 'refused';
  /** When its request ended, with an answer or without one. */
  endedAtMs: number;
  tokenId?: string;
  /** Secret. */
  value?: string;
  /** Expiry as last reported; null for none. Absent: never reported. */
  reportedExpiresAtMs?: number | null;
  /** Label as last listed. */
  shownLabel?: string;
  /** A DELETE was answered with a 2xx. */
  deleteAccepted?: true;
  /** When GET first answered 404, which counts with a later list that lacks the token. */
  lookedGoneAtMs?: number;
  /**
   * What proves that the token is gone: a 204 to its DELETE, its own `is_active`, a complete list without it, or the expiry that
   * Docker Hub reports, by Docker Hub's clock.
   */
  goneBy?: 'deleted' | 'inactive' | 'absent' | 'expired';
}

/** 8 of a-z and 0-9: a label in lower case still proves whose it is. */
export function newRunId(): string {
  return Array.from({ length: RUN_ID_LENGTH }, () => RUN_ID_CHARACTERS[randomInt(RUN_ID_CHARACTERS.length)]).join('');
}

/** What a run made, so that it deletes that and nothing else. */
export class Ledger {
  readonly runId: string;
  readonly mark: string;
  readonly #made: MadeToken[] = [];

  constructor(runId: string) {
    this.runId = runId;
    this.mark = `${LABEL_PREFIX} ${runId}`;
  }

  /** A label that no other create of this run has, of at most 45 characters. */
  label(purpose: string): string {
    return `${this.mark} ${String(this.#made.length + 1).padStart(2, '0')} ${purpose.slice(0, 13)}`;
  }

  add(at: TokenPlace, label: string): MadeToken {
    const made: MadeToken = { at, label, askedExpiresAtMs: null, outcome: 'unsent', endedAtMs: 0 };
    this.#made.push(made);
    return made;
  }

  /** Creates that reached the network, at one place or at all. */
  sent(at?: TokenPlace): readonly MadeToken[] {
    return this.#made.filter((made) => made.outcome !== 'unsent' && (at === undefined || isSamePlace(made.at, at)));
  }

  /**
   * Whether a listed token is of this run: by the id that a create answered, by the start of its label, or by the User-Agent that
   * made it, which names the run.
   */
  owns(token: HubToken): boolean {
    return (
      this.#made.some((made) => made.tokenId === token.tokenId) ||
      token.label.startsWith(this.mark) ||
      token.creatorUserAgent?.includes(this.runId) === true
    );
  }

  /** Whether a listed token was made by another run of the live check. */
  isOfOtherRun(token: HubToken): boolean {
    return token.label.startsWith(LABEL_PREFIX) && !this.owns(token);
  }

  /** Notes a listed token of this run, also one whose create got no answer. */
  noteListed(at: TokenPlace, token: HubToken): MadeToken {
    const known = this.#made.find((made) => made.tokenId === token.tokenId);
    const made = known ?? this.#lostCreate(at, token) ?? this.add(at, token.label);
    if (made.outcome === 'unknown' || made.outcome === 'refused') made.foundAfter = made.outcome;
    made.outcome = 'made';
    made.tokenId = token.tokenId;
    made.shownLabel = token.label;
    made.reportedExpiresAtMs = token.expiresAtMs;
    return made;
  }

  /** The create without an id whose label, as far as it was kept, is the token's. */
  #lostCreate(at: TokenPlace, token: HubToken): MadeToken | undefined {
    const shown = token.label.toLowerCase();
    return this.sent(at).find(
      (made) => made.tokenId === undefined && shown !== '' && made.label.toLowerCase().startsWith(shown),
    );
  }
}

export function isSamePlace(one: TokenPlace, other: TokenPlace): boolean {
  return one.kind === 'oat' && other.kind === 'oat' ? one.organization === other.organization : one.kind === other.kind;
}
