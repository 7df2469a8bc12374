import type { MadeToken } from '../ledger.ts';
import { findListed } from '../listing.ts';
import type { Place } from '../place.ts';
import type { Run } from '../run.ts';
import { settle } from '../settle.ts';
import { duration, refusal } from '../words.ts';

const HOUR_SECONDS = 3_600;
/** Asked for in turn until Docker Hub refuses or moves one. */
const SHORTER_SECONDS = [300, 60, 30, 10, 5];
/** Asked for in turn where an hour is refused or moved: coarser instants, then more than a day. */
const COARSER = [
  { unit: 'minute', stepMs: 60_000, aheadSeconds: HOUR_SECONDS },
  { unit: 'hour', stepMs: 3_600_000, aheadSeconds: HOUR_SECONDS },
  { unit: 'day', stepMs: 86_400_000, aheadSeconds: HOUR_SECONDS },
  { unit: 'second', stepMs: 1_000, aheadSeconds: 90_000 },
] as const;
/** The steps of a target's expirySlackSeconds. */
const SLACKS_SECONDS = [0, 60, 3_600, 86_400];

/** One expiry that was asked for, and what was reported of it. */
export interface ExpiryTrial {
  readonly made: MadeToken;
  readonly askedMs: number;
  readonly aheadSeconds: number;
  readonly unit: 'second' | 'minute' | 'hour' | 'day';
  /** By 201, GET and list; null for none. Absent: not shown there. Undefined as a whole: refused. */
  readonly reported?: Readonly<Record<'201' | 'GET' | 'list', number | null | undefined>>;
  readonly refused?: string;
}

/**
 * Asks for expiries from an hour down to seconds, and for coarser ones where an hour is not kept.
 *
 * @returns every trial; the caller deletes their tokens.
 */
export async function askExpiry(run: Run, place: Place): Promise<readonly ExpiryTrial[]> {
  const hour = await tryExpiry(run, place, 'second', 1_000, HOUR_SECONDS);
  const trials = [hour];
  if (isKept(hour)) {
    for (const seconds of SHORTER_SECONDS) {
      const trial = await tryExpiry(run, place, 'second', 1_000, seconds);
      trials.push(trial);
      if (!isKept(trial)) break;
    }
  } else {
    for (const { unit, stepMs, aheadSeconds } of COARSER) {
      const trial = await tryExpiry(run, place, unit, stepMs, aheadSeconds);
      trials.push(trial);
      if (isKept(trial)) break;
    }
  }
  answerExpiry(run, place, trials);
  answerShortest(run, place, trials);
  return trials;
}

/** The trial with the shortest expiry that was kept as it was sent. */
export function shortestKept(trials: readonly ExpiryTrial[]): ExpiryTrial | undefined {
  return trials.findLast(isKept);
}

async function tryExpiry(
  run: Run,
  place: Place,
  unit: ExpiryTrial['unit'],
  stepMs: number,
  aheadSeconds: number,
): Promise<ExpiryTrial> {
  const expiry = (hubNowMs: number) => aligned(hubNowMs + aheadSeconds * 1_000, stepMs);
  const { made, reply } = await run.api.create(place, `${aheadSeconds} s`, { expiry });
  const trial = { made, askedMs: made.askedExpiresAtMs as number, aheadSeconds, unit };
  if (!reply.ok) return { ...trial, refused: refusal(reply) };
  const isSettled = await settle(run, place, [made]);
  const read = await run.api.get(place, reply.value.tokenId);
  const listed = isSettled ? await findListed(run, place, reply.value.tokenId) : undefined;
  const reported = {
    201: reply.value.expiresAtMs,
    GET: read.ok ? read.value.expiresAtMs : undefined,
    list: listed?.expiresAtMs,
  };
  return { ...trial, reported };
}

/** The next whole step; a second that is no whole minute, so that a rounding shows. */
function aligned(atMs: number, stepMs: number): number {
  const alignedMs = Math.ceil(atMs / stepMs) * stepMs;
  return stepMs === 1_000 && alignedMs % 60_000 === 0 ? alignedMs + 1_000 : alignedMs;
}

function isKept({ reported, askedMs }: ExpiryTrial): boolean {
  return reported !== undefined && Object.values(reported).every((atMs) => atMs === undefined || atMs === askedMs);
}

function answerExpiry(run: Run, place: Place, trials: readonly ExpiryTrial[]): void {
  const slack = slackOf(trials);
  run.answers.add(
    place.name,
    'expiry',
    `${trials.map(sayTrial).join('. ')}.`,
    slack === undefined
      ? 'A verification refuses such a target (expiry_refused) unless it has allowUnprovenExpiry.'
      : `A verification keeps expirySlackSeconds ${slack}.`,
    { slackSeconds: slack ?? null },
  );
}

function answerShortest(run: Run, place: Place, trials: readonly ExpiryTrial[]): void {
  const shortest = shortestKept(trials);
  const [shorter] = trials.slice(trials.findLastIndex(isKept) + 1).map(sayTrial);
  const facts = { shortestSeconds: shortest?.aheadSeconds ?? null, granularity: shortest?.unit ?? null };
  if (shortest === undefined) {
    const said = 'None of those asked for is kept as it was sent.';
    run.answers.add(
      place.name,
      'expiry-shortest',
      said,
      'hublease reads each expiry back, and clips or refuses.',
      facts,
    );
    return;
  }
  const { unit, aheadSeconds } = shortest;
  const isLong = aheadSeconds > HOUR_SECONDS;
  const shorterText = isLong ? 'An hour is not.' : `${shorter ?? 'No shorter one was asked for'}.`;
  run.answers.add(
    place.name,
    'expiry-shortest',
    unit === 'second'
      ? `${duration(aheadSeconds * 1_000)} ahead is kept, to the second. ${shorterText}`
      : `An hour ahead is kept only as a whole ${unit}.`,
    changeOf(shortest, trials),
    facts,
  );
}

function changeOf({ unit, aheadSeconds }: ExpiryTrial, trials: readonly ExpiryTrial[]): string {
  const keeps = `A verification keeps expiryGranularity ${unit}`;
  const isHourRefused = trials.at(0)?.refused !== undefined;
  if (aheadSeconds > HOUR_SECONDS) return isHourRefused ? `${keeps} and expiryMinSeconds 86400.` : `${keeps}.`;
  if (unit !== 'second' || aheadSeconds === SHORTER_SECONDS.at(-1)) return `${keeps}.`;
  return `${keeps}. A secret whose max TTL is below ${duration(aheadSeconds * 1_000)} may get expiry_refused.`;
}

/** The largest step that all reported expiries of an hour or less fit into; undefined where none does. */
function slackOf(trials: readonly ExpiryTrial[]): number | undefined {
  const reported = trials.flatMap(({ reported: times, askedMs }) =>
    Object.values(times ?? {}).flatMap((atMs) =>
      atMs === undefined ? [] : [atMs === null ? Number.POSITIVE_INFINITY : (atMs - askedMs) / 1_000],
    ),
  );
  if (reported.length === 0) return undefined;
  return SLACKS_SECONDS.find((slack) => Math.max(...reported) <= slack);
}

function sayTrial({ aheadSeconds, unit, reported, refused, askedMs }: ExpiryTrial): string {
  const asked = `${duration(aheadSeconds * 1_000)}${unit === 'second' ? '' : ` (whole ${unit})`}`;
  if (reported === undefined) return `${asked}: ${refused}`;
  const differences = Object.entries(reported).map(([where, atMs]) => [where, difference(atMs, askedMs)] as const);
  const [first, ...rest] = differences.map(([, text]) => text);
  const isSame = rest.every((text) => text === first);
  return `${asked}: ${isSame ? first : differences.map(([where, text]) => `${where} ${text}`).join(', ')}`;
}

function difference(atMs: number | null | undefined, askedMs: number): string {
  if (atMs === undefined) return 'not shown';
  if (atMs === null) return 'none';
  if (atMs === askedMs) return 'as asked';
  return `${duration(Math.abs(atMs - askedMs))} ${atMs > askedMs ? 'later' : 'earlier'}`;
}
