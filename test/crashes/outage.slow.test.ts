import { it } from 'vitest';
import { outlastOutage } from './outage.ts';

/** Far more than a busy machine takes. */
const LIMIT_MS = 300_000;

it(
  'under load, with Docker Hub gone in three ways for seconds, it answers 503 and lets no token live on when Docker Hub is back',
  () =>
    outlastOutage({ absences: ['refused', 'silent', 'errors'], eachMs: 1_000, sweepInterval: '2s', boundMs: 60_000 }),
  LIMIT_MS,
);
