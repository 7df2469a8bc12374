import { it } from 'vitest';
import { killUnderLoad } from '../crashes/kills.ts';

/** Half a minute is usual; this is for a machine that has much else to do. */
const LIMIT_MS = 240_000;

it(
  'killed at 25 random moments under load and started again each time, it leaves no token past its lease, loses no lease that it answered and touches nothing of others',
  async () => {
    await killUnderLoad(25);
  },
  LIMIT_MS,
);
