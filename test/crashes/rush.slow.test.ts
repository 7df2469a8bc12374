import { describe } from 'vitest';
import { embeddedTriggers } from './embedded-triggers.ts';
import { queueTriggers } from './queue-triggers.ts';
import { itSurvivesARush } from './rush-promises.ts';

/** What the long form does to 10,000 leases, which cannot wait for. */
const RUSH = { leases: 200, requestsPerMinute: 60 };

describe('200 leases that are due in one second, with a Docker Hub that takes 60 requests a minute', () => {
  describe('in the embedded edition', () => {
    itSurvivesARush({ ...RUSH, triggers: embeddedTriggers });
  });

  describe('behind a queue with delays, jobs and timers, as on AWS', () => {
    const figures = { most: 0, handled: 0, deadLetters: 0, waiting: 0 };
    itSurvivesARush({ ...RUSH, triggers: queueTriggers(figures), queue: figures });
  });
});
