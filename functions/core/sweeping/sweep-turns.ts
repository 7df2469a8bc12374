import type { Target } from '../model/target.ts';
import type { SweepPorts } from '../ports/needs.ts';
import { everyPage } from '../ports/pages.ts';

/**
 * How much of a sweep one target may take before the next has its turn: enough for some 5,000 tokens, the most that an account at 600
 * requests a minute has open.
 */
export const TURN_MS = 45_000;
/**
 * How far a turn may go beyond the end of the sweep. On AWS it must fit, with one more call to Docker Hub and a verification, into the
 * minute that the sweeper keeps back.
 */
const OVERTIME_MS = 20_000;
/** Targets that were left over may take this part of a sweep together. */
const LEFT_OVER_SHARE = 0.5;
/** Names that are kept. Those beyond them have their turn by name. */
const MAX_LEFT_OVER = 100;

/** Where a sweep stopped, for the next to go on from. */
export interface SweepPlace {
  /** The last target, by name, that had its turn; absent where all had theirs. */
  readonly resumeAfter?: string;
  /** Targets whose turn was too short, the one that has waited longest first. Absent where there is none. */
  readonly leftOver?: readonly string[];
}

export interface Turns extends SweepPlace {
  /** How many targets had a turn. */
  readonly targets: number;
}

/**
 * Gives each target a turn, so that a slow one does not starve the others: first those that were left over, then all others by name.
 * Those that were left over share half of the sweep, and each may take all that the ones before it did not need. So even the slowest
 * comes to its end some time, and one that never does goes to the end of the queue.
 *
 * @param from where the last sweep stopped.
 * @param look works on one target until `untilMs` at the latest, and says whether it came to an end.
 * @throws any error of the catalog, and of `look`.
 */
export async function giveTurns(
  ports: Pick<SweepPorts, 'catalog' | 'clock'>,
  { untilMs, from }: { readonly untilMs: number; readonly from: SweepPlace },
  look: (target: Target, untilMs: number) => Promise<'done' | 'left over'>,
): Promise<Turns> {
  const waiting = from.leftOver ?? [];
  const leftOver: string[] = [];
  const again: string[] = [];
  let targets = 0;
  let last = from.resumeAfter;
  const startMs = ports.clock.nowMs();
  const waitingUntilMs = startMs + (untilMs - startMs) * LEFT_OVER_SHARE;
  const isOver = () => ports.clock.nowMs() >= untilMs;
  const turn = async (target: Target, leastUntilMs: number, queue: string[]) => {
    targets += 1;
    const endMs = Math.max(ports.clock.nowMs() + TURN_MS, leastUntilMs);
    if ((await look(target, Math.min(endMs, untilMs + OVERTIME_MS))) === 'left over') queue.push(target.name);
  };

  let reached = 0;
  for (const name of waiting) {
    if (isOver() || (reached > 0 && ports.clock.nowMs() >= waitingUntilMs)) break;
    reached += 1;
    const target = await ports.catalog.getTarget(name);
    if (target !== undefined) await turn(target, waitingUntilMs, again);
  }
  const queue = () => [...waiting.slice(reached), ...leftOver, ...again];
  for await (const target of targetsBehind(ports, from.resumeAfter)) {
    if (!waiting.includes(target.name)) {
      if (isOver()) return placed(targets, last, queue());
      await turn(target, 0, leftOver);
    }
    last = target.name;
  }
  return placed(targets, undefined, queue());
}

function placed(targets: number, resumeAfter: string | undefined, leftOver: readonly string[]): Turns {
  return {
    targets,
    ...(resumeAfter !== undefined && { resumeAfter }),
    ...(leftOver.length > 0 && { leftOver: leftOver.slice(0, MAX_LEFT_OVER) }),
  };
}

/** Every target by name, from behind `after`. */
async function* targetsBehind(ports: Pick<SweepPorts, 'catalog'>, after: string | undefined): AsyncGenerator<Target> {
  for await (const target of everyPage((page) => ports.catalog.listTargets({}, page))) {
    if (after === undefined || target.name > after) yield target;
  }
}
