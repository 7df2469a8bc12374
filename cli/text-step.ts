/** A piece of a text, and the text that it replaced. */
export interface Step {
  readonly offset: number;
  readonly length: number;
  readonly former: string;
}

/** The part in which two texts differ, in the second text. */
export function stepBetween(before: string, after: string): Step {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { offset: start, length: after.length - start - end, former: before.slice(start, before.length - end) };
}
