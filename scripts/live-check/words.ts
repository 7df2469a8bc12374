import type { HubMeta, HubProblem } from '../../functions/core/ports/docker-hub.ts';

/** `12.3 s`, `4 min 5 s`, `2 h`, `30 days`: what a reader can compare at a glance. */
export function duration(ms: number): string {
  const seconds = ms / 1_000;
  if (Math.abs(seconds) < 120) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  const days = Math.floor(whole / 86_400);
  if (days >= 2) return `${Number((whole / 86_400).toFixed(1))} days`;
  const parts = [
    [Math.floor(whole / 3_600), 'h'],
    [Math.floor((whole % 3_600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** `1 token`, `2 tokens`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** An expiry as a reader needs it. */
export function instantText(atMs: number | null): string {
  return atMs === null ? 'never' : new Date(atMs).toISOString().replace('.000Z', 'Z');
}

/** The status of an answer and how hublease reads it. Never the words of Docker Hub: they may hold a user name. */
export function refusal({ problem, meta }: { readonly problem: HubProblem; readonly meta: HubMeta }): string {
  const status = meta.httpStatus === undefined ? 'no answer' : `status ${meta.httpStatus}`;
  const form = meta.httpStatus === undefined || meta.isJson === true ? '' : ', not JSON';
  return `${status}${form} (${problemName(problem)})`;
}

export function problemName(problem: HubProblem): string {
  if (problem.tag === 'fault') return `fault: ${problem.code}`;
  if (problem.tag === 'invalid' && problem.fields.length > 0) return `invalid: ${problem.fields.join(', ')}`;
  return problem.tag;
}

/** Names of the members of an object, those that can be nobody's secret. */
export function memberNames(json: unknown): readonly string[] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return [];
  return Object.keys(json)
    .filter((name) => /^[a-z][a-z0-9_]{0,40}$/.test(name))
    .slice(0, 30);
}

/** When something was seen, as a sentence without its end: the interval that it fell into. */
export function seenText(
  { atMs, notYetAtMs }: { readonly atMs: number | null; readonly notYetAtMs?: number },
  after: string,
): string {
  if (atMs === null) return notYetAtMs === undefined ? 'Never' : `Not within ${duration(notYetAtMs)} of ${after}`;
  if (notYetAtMs === undefined) return `At the first look, ${duration(atMs)} after ${after}`;
  return `Between ${duration(notYetAtMs)} and ${duration(atMs)} after ${after}`;
}
