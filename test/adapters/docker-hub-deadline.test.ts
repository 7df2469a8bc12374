import { expect, it } from 'vitest';
import { withDeadline } from '../../functions/adapters/docker-hub/http.ts';

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

it.each([
  ['answered', async () => 'an answer', { value: 'an answer' }],
  ['refused', async () => Promise.reject(new Error('no')), { reason: expect.any(Error) }],
])('a request that is %s leaves no timer behind', async (_, request, settled) => {
  const before = timers();
  const [outcome] = await Promise.allSettled([withDeadline(600_000, request)]);
  expect(outcome).toMatchObject(settled);
  expect(timers()).toBeLessThanOrEqual(before);
});

it('a request is told when its time is over', async () => {
  const told = withDeadline(
    5,
    (deadline) => new Promise<string>((resolve) => deadline.addEventListener('abort', () => resolve('over'))),
  );
  expect(await told).toBe('over');
});
