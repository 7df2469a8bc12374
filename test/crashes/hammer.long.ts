import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Client, ProblemError } from '../../client/client.ts';
import { type Edition, type LeaseView, lease, openEdition, setUp, untilTestEnds } from '../local/harness.ts';

/** What is promised of every lease. */
const PROMISED_MS = 120_000;
const REQUESTS_PER_MINUTE = 60;
const CLIENTS = 4;
const LEASES = 24;
const OTHER_ARN = 'arn:aws:iam::444455556666:role/other';

it(`with live views hammered by ${CLIENTS} clients at ${REQUESTS_PER_MINUTE} Docker Hub requests a minute, every other lease of the running edition is dead within 120 s of its end`, async () => {
  const edition = untilTestEnds(await openEdition());
  await setUp(edition, '1h');
  const body = { target: 'acme-bot', scope: 'repo:read', defaultTtl: '1h', maxTtl: '1h', allow: [OTHER_ARN] } as const;
  await edition.admin.call('putSecret', { name: 'other/pull', body });
  const held: string[] = [];
  for (let client = 0; client < CLIENTS; client++) {
    held.push((await edition.other.call('mintLease', { name: 'other/pull', body: {} })).body.lease.id);
  }
  const ends: LeaseView[] = [];
  for (let n = 0; n < LEASES; n++) ends.push((await lease(edition.ci, `${60 + 5 * n}s`)).lease);
  edition.hub.control.set({ rateLimitPerMinute: REQUESTS_PER_MINUTE });

  const hammers = startHammers(edition, held);
  const lastEndMs = Math.max(...ends.map(({ expiresAt }) => Date.parse(expiresAt)));
  await wait(lastEndMs + PROMISED_MS - Date.now());
  const views = await hammers.stop();

  const deletedAtMs = new Map(edition.hub.control.deletions().map(({ id, atMs }) => [id, atMs]));
  const overdueMs = ends.map(
    ({ tokenId = '', expiresAt }) => (deletedAtMs.get(tokenId) ?? Infinity) - Date.parse(expiresAt),
  );
  console.log(
    `${views} views; the last of ${LEASES} tokens was deleted ${Math.max(...overdueMs)} ms after its lease's end`,
  );
  expect(views).toBeGreaterThan(1_000);
  expect(Math.max(...overdueMs)).toBeLessThan(PROMISED_MS);
});

/** Clients that ask for a live view of their own lease as soon as they have one. `stop` says how many views they got. */
function startHammers({ other }: Edition, ids: readonly string[]) {
  let isOver = false;
  let views = 0;
  const clients = ids.map(async (id) => {
    while (!isOver) views += await look(other, id);
  });
  return {
    async stop(): Promise<number> {
      isOver = true;
      await Promise.all(clients);
      return views;
    },
  };
}

async function look(client: Client, name: string): Promise<number> {
  try {
    await client.call('getLease', { name, query: { live: 'true' } });
    return 1;
  } catch (error) {
    if (error instanceof ProblemError) return 0;
    throw error;
  }
}
