import { everyPage } from './pages.ts';
import type { SweepPorts } from './ports.ts';
import type { Target } from './target.ts';

/**
 * How much of a sweep one target may take before the next has its turn. Some 2,000 tokens are listed and compared in it. On AWS it
 * must fit, with one more call to Docker Hub and a verification, into the minute that the sweeper keeps back.
 */
export const TURN_MS = 20_000;
/** The target that has waited longest may take this part of the time that the sweep has left. */
const LONG_TURN_SHARE = 0.5;
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
 * Gives each target a turn, so that a slow one does not starve the others: first those that were left over, then all by name. The
 * first of them may take half of the time there is, so that even the slowest comes to its end some time; if it does not, it goes to
 * the end of the queue.
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
  const isOver = () => ports.clock.nowMs() >= untilMs;
  const turn = async (target: Target, share: number, queue: string[]) => {
    targets += 1;
    const nowMs = ports.clock.nowMs();
    const turnMs = Math.max(TURN_MS, (untilMs - nowMs) * share);
    if ((await look(target, nowMs + turnMs)) === 'left over') queue.push(target.name);
  };
  const stopped = (unreached: readonly string[] = []) => placed(targets, last, [...unreached, ...leftOver, ...again]);

  for (const [index, name] of waiting.entries()) {
    if (isOver()) return stopped(waiting.slice(index));
    const target = await ports.catalog.getTarget(name);
    if (target === undefined) continue;
    await (index === 0 ? turn(target, LONG_TURN_SHARE, again) : turn(target, 0, leftOver));
  }
  for await (const target of targetsBehind(ports, from.resumeAfter)) {
    if (!waiting.includes(target.name)) {
      if (isOver()) return stopped();
      await turn(target, 0, leftOver);
    }
    last = target.name;
  }
  return placed(targets, undefined, [...leftOver, ...again]);
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
