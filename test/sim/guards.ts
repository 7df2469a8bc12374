import { registerHooks } from 'node:module';
import type { Ablation } from './ablation.ts';

/** A guard that stands in the middle of a function of core, where no port reaches. */
interface Guard {
  readonly file: string;
  /** Must occur exactly once: a guard that has moved is to be found again, not silently left in. */
  readonly anchor: string;
  readonly without: string;
}

const GUARDS: Partial<Record<Ablation, Guard>> = {
  label_lookup: {
    file: 'functions/core/evidence.ts',
    anchor:
      'return listing.tokens.filter((token) => readLabel(ports.labels, token.label, lease.hubAccount) === lease.id);',
    without: 'return [];',
  },
  second_listing: {
    file: 'functions/core/evidence.ts',
    anchor: 'const second = await listAll(ports, target, place);',
    without: 'const second = first;',
  },
};

/** Whether a guard can only be taken away in core's source. */
export function isInSource(ablation: Ablation): boolean {
  return GUARDS[ablation] !== undefined;
}

/**
 * Loads core without a guard from now on, in this thread. Core must not have been loaded before.
 *
 * @throws Error when the source no longer reads as expected, at the import that meets it.
 */
export function removeFromSource(ablation: Ablation): void {
  const guard = GUARDS[ablation];
  if (guard === undefined) throw new Error(`${ablation} does not stand in core's source`);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${guard.file}`)) return loaded;
      const source = String(loaded.source);
      return { ...loaded, source: withoutGuard(source, guard) };
    },
  });
}

/** The source without a guard. @throws Error when the guard is not where it was. */
export function withoutGuard(source: string, { file, anchor, without }: Guard): string {
  if (source.split(anchor).length === 2) return source.replace(anchor, () => without);
  throw new Error(`${file} does not hold, once, what is to be taken away: ${anchor}`);
}
