import type { DockerHub } from '../../functions/core/ports/docker-hub.ts';

export type RequestKind = keyof DockerHub | 'createToken';

/** One call to Docker Hub. */
export interface Request {
  readonly atMs: number;
  /** The id of the lease that is revoked, or one of {@link OTHER_SENDERS}. */
  readonly who: string;
  readonly kind: RequestKind;
  /** `ok`, or the tag of the problem. */
  readonly outcome: string;
}

/** Whoever sends requests and is no revocation. `owner` is the account's owner, who is no part of hublease. */
export const OTHER_SENDERS = ['mint', 'verify', 'sweep', 'admin', 'owner'] as const;

export type Sender = (typeof OTHER_SENDERS)[number];

/** Every call to Docker Hub of one world, in order. */
export class Requests {
  readonly all: Request[] = [];

  note(request: Request): void {
    this.all.push(request);
  }

  /** The most calls that fall into any span of this length. */
  mostWithin(spanMs: number, counts: (request: Request) => boolean): number {
    const times = this.all.filter(counts).map(({ atMs }) => atMs);
    let from = 0;
    let most = 0;
    for (const [to, atMs] of times.entries()) {
      while (atMs - (times[from] as number) >= spanMs) from += 1;
      most = Math.max(most, to - from + 1);
    }
    return most;
  }

  /** The leases for which a revocation has sent calls. */
  get leases(): readonly string[] {
    const others: readonly string[] = OTHER_SENDERS;
    return [...new Set(this.all.map(({ who }) => who))].filter((who) => !others.includes(who));
  }
}
