import { describe } from 'vitest';
import { embeddedTriggers } from './embedded-triggers.ts';
import { queueTriggers } from './queue-triggers.ts';
import { itSurvivesARush } from './rush-promises.ts';

const RUSH = { leases: 10_000, requestsPerMinute: 60, tells: true };

describe('10,000 leases that are due in one second, with a Docker Hub that takes 60 requests a minute', () => {
  describe('in the embedded edition', () => {
    itSurvivesARush({ ...RUSH, triggers: embeddedTriggers });
  });

  describe('behind a queue with delays, jobs and timers, as on AWS', () => {
    const figures = { most: 0, handled: 0, deadLetters: 0, waiting: 0 };
    itSurvivesARush({ ...RUSH, triggers: queueTriggers(figures), queue: figures });
  });
});
