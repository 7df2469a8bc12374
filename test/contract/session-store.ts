import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRecord, SessionStore } from '../../functions/core/ports/sessions.ts';
import { anOpId, aSessionRecord, unique } from './builders.ts';

/** A session store to be tested. It may hold other rows; `close` runs once, after the last test. */
export interface SessionStoreUnderTest {
  readonly store: SessionStore;
  close(): Promise<void>;
}

/** What the port SessionStore promises, for any adapter. Its reads are strongly consistent, so nothing here waits. */
export function sessionStoreContract(name: string, make: () => Promise<SessionStoreUnderTest>): void {
  describe(`${name} keeps the contract of SessionStore`, () => {
    let made: SessionStoreUnderTest;
    let store: SessionStore;
    beforeAll(async () => {
      made = await make();
      store = made.store;
    });
    afterAll(() => made?.close());

    const next = (record: SessionRecord, change: Partial<SessionRecord> = {}): SessionRecord => ({
      ...record,
      ...change,
      version: record.version + 1,
      opId: anOpId(),
    });
    async function written(record: SessionRecord): Promise<SessionRecord> {
      expect(await store.write(record)).toBe('written');
      return record;
    }

    it('reads nothing for a target without a session', async () => {
      expect(await store.read(unique('target'))).toBeUndefined();
    });

    it('gives back every field', async () => {
      const record = await written(aSessionRecord());
      expect(await store.read(record.target)).toEqual(record);
    });

    it('gives back a record of nothing but a claim', async () => {
      const record = await written({ target: unique('target'), version: 1, opId: anOpId(), claimUntilMs: 5 });
      expect(await store.read(record.target)).toEqual(record);
    });

    it('writes version 1 only where there is none', async () => {
      const record = await written(aSessionRecord());
      expect(await store.write(aSessionRecord({ target: record.target }))).toBe('conflict');
      expect(await store.read(record.target)).toEqual(record);
    });

    it('does not begin with a later version', async () => {
      const record = aSessionRecord({ version: 2 });
      expect(await store.write(record)).toBe('conflict');
      expect(await store.read(record.target)).toBeUndefined();
    });

    it('replaces the version before, fields that are gone included', async () => {
      const first = await written(aSessionRecord());
      const { sealedBearer: _, breakerUntilMs: __, ...second } = next(first, { account: 'other' });
      await written(second);
      expect(await store.read(first.target)).toEqual(second);
    });

    it('replaces what use taught as a whole, facts that are gone included', async () => {
      const first = await written(aSessionRecord());
      const second = await written(next(first, { facts: { pageSize: 10 } }));
      expect(await store.read(first.target)).toEqual(second);
      const third = await written(next(second, { facts: {} }));
      expect(await store.read(first.target)).toEqual(third);
    });

    it('answers `conflict` to a write that read another version, and keeps the row', async () => {
      const first = await written(aSessionRecord());
      const second = await written(next(first));
      expect(await store.write(next(first, { account: 'late' }))).toBe('conflict');
      expect(await store.write(next(next(second), { account: 'early' }))).toBe('conflict');
      expect(await store.read(first.target)).toEqual(second);
    });

    it('answers `written` to a write that is there already', async () => {
      const first = await written(aSessionRecord());
      await written(first);
      const second = await written(next(first));
      await written(second);
      expect(await store.read(first.target)).toEqual(second);
    });

    it('lets exactly one of many concurrent writers win, with and without a row before', async () => {
      const target = unique('target');
      const first = Array.from({ length: 8 }, () => aSessionRecord({ target }));
      const outcomes = await Promise.all(first.map((record) => store.write(record)));
      expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
      const winner = first[outcomes.indexOf('written')] as SessionRecord;
      const rivals = Array.from({ length: 8 }, (_, n) => next(winner, { rateRemaining: n }));
      const later = await Promise.all(rivals.map((record) => store.write(record)));
      expect(later.filter((outcome) => outcome === 'written')).toHaveLength(1);
      expect(await store.read(target)).toEqual(rivals[later.indexOf('written')]);
    });

    it('removes a session, and may remove what is gone', async () => {
      const record = await written(aSessionRecord());
      const neighbour = await written(aSessionRecord({ target: `${record.target}/a` }));
      await store.remove(record.target);
      await store.remove(record.target);
      expect(await store.read(record.target)).toBeUndefined();
      expect(await store.read(neighbour.target)).toEqual(neighbour);
    });

    it('begins with version 1 again after a removal', async () => {
      const record = await written(aSessionRecord());
      await store.remove(record.target);
      expect(await store.write(next(record))).toBe('conflict');
      const again = await written(aSessionRecord({ target: record.target }));
      expect(await store.read(record.target)).toEqual(again);
    });
  });
}
