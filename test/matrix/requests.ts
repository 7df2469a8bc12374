import type { DockerHub } from '../../functions/core/ports.ts';

export type RequestKind = keyof DockerHub | 'createToken';

/** One call to Docker Hub. */
export interface Request {
  readonly atMs: number;
  /** A lease's id, or `mint`, `sweep`, `verify`. */
  readonly who: string;
  readonly kind: RequestKind;
  /** `ok`, or the tag of the problem. */
  readonly outcome: string;
}

/** Every call to Docker Hub of one world, in order. */
export class Requests {
  readonly all: Request[] = [];

  note(request: Request): void {
    this.all.push(request);
  }

  /** The most calls that fall into any span of this length. */
  mostWithin(spanMs: number, counts: (request: Request) => boolean): number {
    const atMs = this.all.filter(counts).map((request) => request.atMs);
    let from = 0;
    let most = 0;
    for (let to = 0; to < atMs.length; to++) {
      while ((atMs[to] as number) - (atMs[from] as number) >= spanMs) from += 1;
      most = Math.max(most, to - from + 1);
    }
    return most;
  }

  /** Everybody who sent a call. */
  get senders(): readonly string[] {
    return [...new Set(this.all.map(({ who }) => who))];
  }
}
