import type { HubAnswer } from '../../../functions/adapters/docker-hub/http.ts';
import { header } from '../../../functions/adapters/docker-hub/meta.ts';
import type { HubReply } from '../../../functions/core/ports/docker-hub.ts';
import type { Place } from '../place.ts';
import type { Run } from '../run.ts';
import { duration } from '../words.ts';

/** Beyond this a clock's difference is more than a slow answer. */
const CLOCK_NOISE_MS = 2_000;

/** Reads what two answers say of the rate limit, and of Docker Hub's clock. */
export async function askLimits(run: Run, place: Place): Promise<void> {
  const first = await run.api.rawList(place, 1);
  const second = await run.api.rawList(place, 1);
  const [before, after] = [numberOf(first, 'x-ratelimit-remaining'), numberOf(second, 'x-ratelimit-remaining')];
  const limit = numberOf(second, 'x-ratelimit-limit');
  const resetSeconds = numberOf(second, 'x-ratelimit-reset');
  const cost = before === null || after === null ? null : before - after;
  run.answers.add(
    'account',
    'rate-limit',
    limit === null
      ? 'Answers do not tell a limit.'
      : `The limit is ${limit}; ${after ?? 'an unknown number'} requests are left, and one request takes ${cost ?? 'an unknown number'}.`,
    limit === null
      ? 'hublease learns of a limit only by a 429.'
      : 'hublease reads how many requests are left and keeps some for revocations; docs/cost.md says how many a lease takes.',
    { limit, remaining: after, resetUnixSeconds: resetSeconds, requestCosts: cost },
  );
  const hubDateMs = second.meta.hubDateMs;
  const aheadMs = hubDateMs === undefined ? null : hubDateMs - run.line.nowMs();
  run.answers.add(
    'account',
    'clock',
    aheadMs === null
      ? 'Answers bear no date.'
      : Math.abs(aheadMs) <= CLOCK_NOISE_MS
        ? "Docker Hub's clock and this one agree."
        : `Docker Hub's clock is ${duration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this one.`,
    aheadMs === null ? 'No expiry can count as evidence.' : "hublease counts an expiry by Docker Hub's own clock.",
    { aheadMs },
  );
}

function numberOf(reply: HubReply<HubAnswer>, name: string): number | null {
  const text = reply.ok ? header(reply.value.headers, name) : undefined;
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}
