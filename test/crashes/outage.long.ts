import { it } from 'vitest';
import { outlastOutage } from './outage.ts';

it('with Docker Hub gone for ten minutes, it answers 503 and lets no token live on when Docker Hub is back and a sweep has been', () =>
  outlastOutage({
    absences: ['refused', 'silent', 'errors', 'refused'],
    eachMs: 150_000,
    sweepInterval: '1m',
    boundMs: 120_000,
    isPatient: true,
  }));
