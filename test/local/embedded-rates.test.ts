import { expect, it } from 'vitest';
import { openEdition, START_LIMIT_MS, setUp, untilTestEnds } from './harness.ts';

it(
  'a caller that loops is told to wait, while another is answered',
  async () => {
    const edition = untilTestEnds(await openEdition({ flags: ['--caller-rate', '12'] }));
    await setUp(edition, '1h');
    for (let times = 0; times < 2; times++) await edition.ci.call('whoami');
    await expect(edition.ci.call('whoami')).rejects.toMatchObject({
      problem: { status: 429, code: 'rate_limited' },
      retryAfterSeconds: 5,
    });
    await edition.other.call('whoami');
  },
  START_LIMIT_MS,
);
