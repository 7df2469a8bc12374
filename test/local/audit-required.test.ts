import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Edition,
  lease,
  leased,
  listAll,
  openEdition,
  problemOf,
  setUp,
  until,
  untilTestEnds,
} from './harness.ts';

/** Puts a folder where the audit log is, so that nothing can be written to it. */
function breakAudit({ dataFolder }: Edition): void {
  const path = join(dataFolder, 'audit.jsonl');
  rmSync(path);
  mkdirSync(path);
}

/** Tokens of leases that still log in. */
const alive = ({ hub }: Edition) => leased(hub).filter(({ deleted }) => !deleted);

describe('the embedded edition whose audit log cannot be written', () => {
  it('answers no token with --audit-required, and leaves none on Docker Hub', async () => {
    const edition = untilTestEnds(await openEdition({ flags: ['--audit-required'] }));
    await setUp(edition);
    const { lease: before } = await lease(edition.ci, '1m');
    breakAudit(edition);
    const problem = await problemOf(lease(edition.ci, '1m'));
    expect(problem).toMatchObject({ status: 503, code: 'audit_unavailable', retryAfterSeconds: 2 });
    expect(alive(edition)).toHaveLength(1);
    await edition.ci.call('revokeLease', { name: before.id });
    await until('all is revoked', async () => (await listAll(edition.ci)).every(({ status }) => status === 'revoked'));
    expect(alive(edition)).toEqual([]);
  });

  it('answers tokens without it', async () => {
    const edition = untilTestEnds(await openEdition());
    await setUp(edition);
    breakAudit(edition);
    expect((await lease(edition.ci, '1m')).lease.status).toBe('active');
  });
});
