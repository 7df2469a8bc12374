import type { Lease } from '../../functions/core/lease.ts';
import type { FakeHubControl, FakeTokenView } from '../../local/fake-hub/server.ts';
import { LABELS } from '../core/world.ts';

/** The start of a label of this installation, in whatever case and however much of it was cut off. */
const OURS = new RegExp(`^hl1:${LABELS.installation}:([0-9a-z]{26})`, 'i');

/** The lease that a token was made for, by the readable part of its label. The test may trust it: it made every label itself. */
export function leaseIdOf({ label }: Pick<FakeTokenView, 'label'>): string | undefined {
  return OURS.exec(label)?.[1]?.toUpperCase();
}

/**
 * The rule: no lease reads `revoked` while a token of it can log in, unless an admin attested it; and nobody else's token is ever
 * touched. The fake knows which tokens live.
 */
export class Rule {
  readonly #broken = new Map<string, string>();
  readonly #control: FakeHubControl;
  readonly #leaseOf: (leaseId: string) => Lease | undefined;
  readonly #nowMs: () => number;

  constructor(control: FakeHubControl, leaseOf: (leaseId: string) => Lease | undefined, nowMs: () => number) {
    this.#control = control;
    this.#leaseOf = leaseOf;
    this.#nowMs = nowMs;
  }

  /** How the rule was broken so far, each way once. */
  get violations(): readonly string[] {
    return [...this.#broken.values()];
  }

  breaks(key: string, words: string): void {
    if (!this.#broken.has(key)) this.#broken.set(key, words);
  }

  /** Looks at every token and every deletion as they are now. */
  check(): void {
    for (const token of this.#control.tokens()) if (token.live && !token.foreign) this.#checkLive(token);
    for (const { id, label, foreign } of this.#control.deletions()) {
      if (foreign || OURS.exec(label) === null) this.breaks(`deleted ${id}`, `somebody else's token was deleted: ${label}`);
    }
    for (const { id } of this.#control.patches()) this.breaks(`patched ${id}`, 'a token was changed');
  }

  #checkLive(token: FakeTokenView): void {
    const leaseId = leaseIdOf(token);
    const lease = leaseId === undefined ? undefined : this.#leaseOf(leaseId);
    if (lease === undefined) {
      this.breaks(`unrecorded ${token.id}`, `a token has no lease: ${token.label}`);
      return;
    }
    const { status, evidence } = lease;
    if (status !== 'revoked' || evidence?.kind === 'attested') return;
    const leftMs = token.expiresAtMs === null ? Number.POSITIVE_INFINITY : token.expiresAtMs - this.#nowMs();
    this.breaks(
      `alive ${lease.id}`,
      `the lease of ${lease.secret} reads revoked (${JSON.stringify(evidence)}) and its token lives for ${leftMs / 1_000} s more`,
    );
  }
}
