import type { Target } from '../model/target.ts';
import type { SweepPorts } from '../ports/needs.ts';
import { everyPage } from '../ports/pages.ts';

/**
 * Maximum time of one target in a sweep before the next target's turn. Enough for about 5,000 tokens, the maximum that an account
 * has open with 600 requests a minute.
 */
export const TURN_MS = 45_000;
/**
 * How far a turn may continue after the end of the sweep. On AWS, this time, one more call to Docker Hub and a verification must
 * fit into the minute that the sweeper reserves.
 */
const OVERTIME_MS = 20_000;
/** Maximum fraction of a sweep for all left-over targets together. */
const LEFT_OVER_SHARE = 0.5;
/** Maximum names that are stored. Other targets have their turn by name. */
const MAX_LEFT_OVER = 100;

/** Where a sweep stopped, so that the next one continues there. */
export interface SweepPlace {
  /** The last target, by name, that had its turn; absent if all had their turn. */
  readonly resumeAfter?: string;
  /** Targets whose turn was too short, longest waiting first. Absent if there is none. */
  readonly leftOver?: readonly string[];
}

export interface Turns extends SweepPlace {
  /** The number of targets that had a turn. */
  readonly targets: number;
}

/**
 * Gives each target a turn, so that a slow one does not starve the others. Left-over targets go first, then all others by name.
 * Left-over targets share half of the sweep. Each may use all the time that those before it did not need. So even the slowest
 * target is finished at some time. A target that is never finished goes to the end of the queue.
 *
 * @param from where the last sweep stopped.
 * @param look works on one target until `untilMs` at the latest, and returns whether it finished.
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

/** Every target by name, beginning after `after`. */
async function* targetsBehind(ports: Pick<SweepPorts, 'catalog'>, after: string | undefined): AsyncGenerator<Target> {
  for await (const target of everyPage((page) => ports.catalog.listTargets({}, page))) {
    if (after === undefined || target.name > after) yield target;
  }
}
