import type { FakeHubControl, FakeTokenView } from '../../fake-hub/server.ts';
import { VERIFICATION_SECRET } from '../../functions/core/catalog/throwaway.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import { LABELS } from '../core/world.ts';

/** The start of a label of this installation, in whatever case and however much was cut off behind it. */
const OURS = new RegExp(`^hl1:${LABELS.installation}:([0-9a-z]{26})`, 'i');

/** What the rule has to know of a world. */
export interface Observed {
  readonly control: FakeHubControl;
  readonly leaseOf: (leaseId: string) => Lease | undefined;
  readonly nowMs: () => number;
}

/**
 * The rule: no lease reads `revoked` while a token of it can log in, unless an admin attested it; and nobody else's token is ever
 * touched. The fake knows which tokens live.
 */
export class Rule {
  /** Most tokens of verifications that lived at once. */
  mostThrowaways = 0;
  readonly #broken = new Map<string, string>();
  readonly #world: Observed;

  constructor(world: Observed) {
    this.#world = world;
  }

  /** How the rule was broken so far, each way once. */
  get violations(): readonly string[] {
    return [...this.#broken.values()];
  }

  /** Looks at every token and every deletion as they are now. */
  check(): void {
    const { control } = this.#world;
    let throwaways = 0;
    for (const token of control.tokens()) {
      if (!token.live || token.foreign) continue;
      if (this.#checkLive(token)?.secret === VERIFICATION_SECRET) throwaways += 1;
    }
    this.mostThrowaways = Math.max(this.mostThrowaways, throwaways);
    for (const { id, label, foreign } of control.deletions()) {
      if (foreign || !OURS.test(label)) this.breaks(`deleted ${id}`, `somebody else's token was deleted: ${label}`);
    }
    for (const { id } of control.patches()) this.breaks(`patched ${id}`, 'a token was changed');
  }

  /** Notes that the rule was broken; once for each key. */
  breaks(key: string, words: string): void {
    if (!this.#broken.has(key)) this.#broken.set(key, words);
  }

  #checkLive(token: FakeTokenView): Lease | undefined {
    const leaseId = OURS.exec(token.label)?.[1]?.toUpperCase();
    const lease = leaseId === undefined ? undefined : this.#world.leaseOf(leaseId);
    if (lease === undefined) this.breaks(`unrecorded ${token.id}`, `a token has no lease: ${token.label}`);
    else if (readsDead(lease)) this.breaks(`alive ${lease.id}`, livesOn(lease, token, this.#world.nowMs()));
    return lease;
  }
}

/** Whether a lease says, by more than an admin's word, that no token of it can log in. */
export function readsDead({ status, evidence }: Lease): boolean {
  return status === 'revoked' && evidence?.kind !== 'attested';
}

function livesOn({ id, secret, evidence }: Lease, { expiresAtMs }: FakeTokenView, nowMs: number): string {
  const left = expiresAtMs === null ? 'for ever' : `for ${(expiresAtMs - nowMs) / 1_000} s more`;
  return `lease ${id} of ${secret} reads revoked by ${JSON.stringify(evidence)}, and its token lives ${left}`;
}
