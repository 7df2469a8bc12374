import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { LeaseStore, QuotaClaim, ReplayRecord } from '../../functions/core/ports/leases.ts';
import { aLease, anOpId, changed, reopened, revoked, unique } from './builders.ts';

/** What the port LeaseStore promises of quotas and replay records, as part of the suite of any adapter. */
export function leaseClaimsContract(storeOf: () => LeaseStore): void {
  const aCounter = () => `secret:${unique('secret')}`;
  const limit = (counter: string, most: number): QuotaClaim => ({ counter, most });
  const isFull = (outcome: unknown) => typeof outcome === 'object';

  function aReplay(lease: Lease, overrides: Partial<ReplayRecord> = {}): ReplayRecord {
    return {
      id: randomBytes(32).toString('hex'),
      version: 1,
      opId: anOpId(),
      orderSha256: randomBytes(32).toString('hex'),
      leaseId: lease.id,
      ttlAtMs: Date.now() + 86_400_000,
      ...overrides,
    };
  }
  async function openIn(counter: string): Promise<number> {
    return (await storeOf().readCounter(counter))?.open ?? 0;
  }
  async function versionOf(counter: string): Promise<number> {
    return (await storeOf().readCounter(counter))?.version ?? 0;
  }
  /** A written lease that is counted in each of the counters. */
  async function counted(...counters: readonly string[]): Promise<Lease> {
    const lease = aLease({ counters });
    const quotas = counters.map((counter) => limit(counter, 1_000));
    expect(await storeOf().create(lease, { quotas })).toBe('written');
    return lease;
  }
  const countedIn = (counter: string, overrides: Partial<Lease> = {}) => aLease({ counters: [counter], ...overrides });

  describe('create under a quota', () => {
    it('counts the lease, says so in the counter, and gives the lease back with its counters', async () => {
      const [ofSecret, ofTarget] = [aCounter(), `target:${unique('target')}`];
      expect(await storeOf().readCounter(ofSecret)).toBeUndefined();
      const fromMs = Date.now() - 1_000;
      const lease = await counted(ofSecret, ofTarget);
      expect(await storeOf().get(lease.id)).toEqual(lease);
      for (const counter of [ofSecret, ofTarget]) {
        const state = await storeOf().readCounter(counter);
        expect(state).toEqual({ open: 1, version: expect.any(Number), changedAtMs: expect.any(Number) });
        expect(state?.changedAtMs).toBeGreaterThanOrEqual(fromMs);
      }
    });

    it('writes exactly as many of 64 concurrent leases as there is room for, and nothing of the others', async () => {
      const counter = aCounter();
      const leases = Array.from({ length: 64 }, () => countedIn(counter));
      const outcomes = await Promise.all(
        leases.map((lease) => storeOf().create(lease, { quotas: [limit(counter, 5)] })),
      );
      expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(5);
      expect(outcomes.filter(isFull)).toEqual(Array.from({ length: 59 }, () => ({ full: counter })));
      expect(await openIn(counter)).toBe(5);
      for (const [index, lease] of leases.entries()) {
        expect(await storeOf().get(lease.id)).toEqual(outcomes[index] === 'written' ? lease : undefined);
      }
    });

    it('counts in neither of two counters when the second is full, and names that one', async () => {
      const [first, second] = [aCounter(), `target:${unique('target')}`];
      await counted(second);
      const before = await versionOf(second);
      const lease = aLease({ counters: [first, second] });
      const quotas = [limit(first, 5), limit(second, 1)];
      const replay = aReplay(lease);
      expect(await storeOf().create(lease, { quotas, replay })).toEqual({ full: second });
      expect(await openIn(first)).toBe(0);
      expect(await openIn(second)).toBe(1);
      expect(await versionOf(second)).toBe(before);
      expect(await storeOf().get(lease.id)).toBeUndefined();
      expect(await storeOf().readReplay(replay.id)).toBeUndefined();
    });

    it('is full at a limit that was lowered below what is open, and at none at all', async () => {
      const [counter, unused] = [aCounter(), aCounter()];
      await counted(counter);
      await counted(counter);
      expect(await storeOf().create(countedIn(counter), { quotas: [limit(counter, 1)] })).toEqual({ full: counter });
      expect(await storeOf().create(countedIn(unused), { quotas: [limit(unused, 0)] })).toEqual({ full: unused });
      expect(await openIn(counter)).toBe(2);
      expect(await openIn(unused)).toBe(0);
    });

    it('has no room under a limit of none, also once everything was released', async () => {
      const counter = aCounter();
      expect(await storeOf().update(revoked(await counted(counter)), 'release')).toBe('written');
      expect(await openIn(counter)).toBe(0);
      expect(await storeOf().create(countedIn(counter), { quotas: [limit(counter, 0)] })).toEqual({ full: counter });
      expect(await openIn(counter)).toBe(0);
    });

    it('answers `written` to the same create again and counts it once, full as the counter may be', async () => {
      const counter = aCounter();
      const lease = countedIn(counter);
      const claims = { quotas: [limit(counter, 1)], replay: aReplay(lease) };
      expect(await storeOf().create(lease, claims)).toBe('written');
      expect(await storeOf().create(lease, claims)).toBe('written');
      expect(await openIn(counter)).toBe(1);
      expect(await storeOf().readReplay(claims.replay.id)).toEqual(claims.replay);
    });

    it('counts one of the same create sent many times at once', async () => {
      const counter = aCounter();
      const lease = countedIn(counter);
      const claims = { quotas: [limit(counter, 1)], replay: aReplay(lease) };
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => storeOf().create(lease, claims)));
      expect(outcomes).toEqual(Array.from({ length: 6 }, () => 'written'));
      expect(await openIn(counter)).toBe(1);
    });

    it('answers `conflict` to another create of a taken id, and counts nothing', async () => {
      const counter = aCounter();
      const lease = await counted(counter);
      const rival = countedIn(counter, { id: lease.id });
      const replay = aReplay(rival);
      expect(await storeOf().create(rival, { quotas: [limit(counter, 9)], replay })).toBe('conflict');
      expect(await openIn(counter)).toBe(1);
      expect(await storeOf().readReplay(replay.id)).toBeUndefined();
      expect(await storeOf().get(lease.id)).toEqual(lease);
    });

    it('has room again once a lease was released', async () => {
      const counter = aCounter();
      const quotas = [limit(counter, 1)];
      const lease = countedIn(counter);
      expect(await storeOf().create(lease, { quotas })).toBe('written');
      expect(await storeOf().create(countedIn(counter), { quotas })).toEqual({ full: counter });
      expect(await storeOf().update(revoked(lease), 'release')).toBe('written');
      expect(await storeOf().create(countedIn(counter), { quotas })).toBe('written');
      expect(await openIn(counter)).toBe(1);
    });

    it('is a plain create with no claims in it', async () => {
      const lease = aLease();
      expect(await storeOf().create(lease, {})).toBe('written');
      expect(await storeOf().create(lease, { quotas: [] })).toBe('written');
      expect(await storeOf().create(aLease({ id: lease.id }), {})).toBe('conflict');
      expect(await storeOf().get(lease.id)).toEqual(lease);
    });
  });

  describe('update that counts', () => {
    it('takes a lease off all its counters, once however often it is repeated', async () => {
      const [first, second] = [aCounter(), `target:${unique('target')}`];
      await counted(first, second);
      const closed = revoked(await counted(first, second));
      for (let n = 0; n < 3; n++) expect(await storeOf().update(closed, 'release')).toBe('written');
      expect(await openIn(first)).toBe(1);
      expect(await openIn(second)).toBe(1);
      expect(await storeOf().get(closed.id)).toEqual(closed);
    });

    it('counts nothing when it is a conflict', async () => {
      const counter = aCounter();
      const lease = await counted(counter);
      const next = changed(lease, { attempts: 1 });
      expect(await storeOf().update(next)).toBe('written');
      for (const count of ['release', 'take'] as const) {
        expect(await storeOf().update(revoked(lease), count)).toBe('conflict');
        expect(await storeOf().update(countedIn(counter), count)).toBe('conflict');
      }
      expect(await openIn(counter)).toBe(1);
      expect(await storeOf().get(lease.id)).toEqual(next);
    });

    it('does not take a write of another version for its own because the opId is the same', async () => {
      const counter = aCounter();
      const closed = revoked(await counted(counter));
      expect(await storeOf().update(closed, 'release')).toBe('written');
      for (const version of [closed.version - 1, closed.version + 2]) {
        expect(await storeOf().update({ ...closed, version }, 'take')).toBe('conflict');
      }
      expect(await openIn(counter)).toBe(0);
      expect(await storeOf().get(closed.id)).toEqual(closed);
    });

    it('releases a lease once when many try at once', async () => {
      const counter = aCounter();
      const lease = await counted(counter);
      await counted(counter);
      const rivals = Array.from({ length: 8 }, () => revoked(lease));
      const outcomes = await Promise.all(rivals.map((rival) => storeOf().update(rival, 'release')));
      expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
      expect(await openIn(counter)).toBe(1);
    });

    it('counts nothing unless it is told to', async () => {
      const counter = aCounter();
      const lease = await counted(counter);
      const before = await versionOf(counter);
      expect(await storeOf().update(changed(lease, { attempts: 1 }))).toBe('written');
      expect(await openIn(counter)).toBe(1);
      expect(await versionOf(counter)).toBe(before);
    });

    it('never takes a counter below 0, and writes the lease all the same', async () => {
      const [low, high] = [aCounter(), aCounter()];
      const lease = await counted(low, high);
      const read = await versionOf(low);
      expect(await storeOf().correctCounter(low, 0, read)).toBe('written');
      const before = await versionOf(low);
      const closed = revoked(lease);
      expect(await storeOf().update(closed, 'release')).toBe('written');
      expect(await storeOf().get(lease.id)).toEqual(closed);
      expect(await openIn(low)).toBe(0);
      expect(await openIn(high)).toBe(0);
      // Whoever counted leases before this write must not correct the counter after it.
      expect(await storeOf().correctCounter(low, 1, before)).toBe('conflict');
    });

    it('releases a lease whose counter was never written', async () => {
      const counter = aCounter();
      const lease = countedIn(counter);
      expect(await storeOf().create(lease)).toBe('written');
      expect(await storeOf().update(revoked(lease), 'release')).toBe('written');
      expect(await openIn(counter)).toBe(0);
      expect(await storeOf().create(countedIn(counter), { quotas: [limit(counter, 1)] })).toBe('written');
    });

    it('puts a reopened lease back on its counters, whatever their limits, and once', async () => {
      const counter = aCounter();
      const lease = countedIn(counter);
      const quotas = [limit(counter, 1)];
      expect(await storeOf().create(lease, { quotas })).toBe('written');
      const closed = revoked(lease);
      expect(await storeOf().update(closed, 'release')).toBe('written');
      expect(await storeOf().create(countedIn(counter), { quotas })).toBe('written');
      const again = reopened(closed);
      for (let n = 0; n < 3; n++) expect(await storeOf().update(again, 'take')).toBe('written');
      expect(await openIn(counter)).toBe(2);
      expect(await storeOf().get(lease.id)).toEqual(again);
      expect(await storeOf().create(countedIn(counter), { quotas })).toEqual({ full: counter });
    });

    it('is a plain update for a lease without counters', async () => {
      const lease = aLease();
      expect(await storeOf().create(lease)).toBe('written');
      const closed = revoked(lease);
      expect(await storeOf().update(closed, 'release')).toBe('written');
      expect(await storeOf().update(reopened(closed), 'take')).toBe('written');
    });

    it('keeps a counter right while leases come and go at once', async () => {
      const counter = aCounter();
      const leases = await Promise.all(Array.from({ length: 6 }, () => counted(counter)));
      await Promise.all([
        ...leases.slice(0, 4).map((lease) => storeOf().update(revoked(lease), 'release')),
        ...Array.from({ length: 3 }, () => counted(counter)),
      ]);
      expect(await openIn(counter)).toBe(5);
    });
  });

  describe('create under a caller’s key', () => {
    it('writes the record with the lease, and gives it back whole', async () => {
      const lease = aLease();
      const replay = aReplay(lease);
      expect(await storeOf().readReplay(replay.id)).toBeUndefined();
      expect(await storeOf().create(lease, { replay })).toBe('written');
      expect(await storeOf().readReplay(replay.id)).toEqual(replay);
      expect(await storeOf().get(lease.id)).toEqual(lease);
    });

    it('lets exactly one of many concurrent leases have a key, and writes and counts nothing of the others', async () => {
      const counter = aCounter();
      const { id } = aReplay(aLease());
      const leases = Array.from({ length: 8 }, () => countedIn(counter));
      const outcomes = await Promise.all(
        leases.map((lease) =>
          storeOf().create(lease, { quotas: [limit(counter, 100)], replay: aReplay(lease, { id }) }),
        ),
      );
      expect(outcomes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'conflict'), 'written']);
      expect(await openIn(counter)).toBe(1);
      const winner = leases[outcomes.indexOf('written')] as Lease;
      expect(await storeOf().readReplay(id)).toMatchObject({ leaseId: winner.id, version: 1 });
      for (const lease of leases) expect(await storeOf().get(lease.id)).toEqual(lease === winner ? lease : undefined);
    });

    it('replaces a record by its next version, and by no other', async () => {
      const [first, second] = [aLease(), aLease()];
      const replay = aReplay(first);
      expect(await storeOf().create(first, { replay })).toBe('written');
      for (const version of [1, 3, 9]) {
        const claims = { replay: aReplay(second, { id: replay.id, version }) };
        expect(await storeOf().create(second, claims)).toBe('conflict');
      }
      expect(await storeOf().get(second.id)).toBeUndefined();
      expect(await storeOf().readReplay(replay.id)).toEqual(replay);
      const next = aReplay(second, { id: replay.id, version: 2 });
      expect(await storeOf().create(second, { replay: next })).toBe('written');
      expect(await storeOf().readReplay(replay.id)).toEqual(next);
    });

    it('never begins a record with a later version', async () => {
      const lease = aLease();
      const replay = aReplay(lease, { version: 2 });
      expect(await storeOf().create(lease, { replay })).toBe('conflict');
      expect(await storeOf().get(lease.id)).toBeUndefined();
      expect(await storeOf().readReplay(replay.id)).toBeUndefined();
    });

    it('answers `written` to the same create again', async () => {
      const lease = aLease();
      const replay = aReplay(lease);
      expect(await storeOf().create(lease, { replay })).toBe('written');
      expect(await storeOf().create(lease, { replay })).toBe('written');
      expect(await storeOf().readReplay(replay.id)).toEqual(replay);
    });

    it('knows nothing of a key that was never used, or of what is no key', async () => {
      for (const id of ['0'.repeat(64), '', '%']) expect(await storeOf().readReplay(id)).toBeUndefined();
    });
  });

  describe('correctCounter', () => {
    it('sets the count of the version that was read, once', async () => {
      const counter = aCounter();
      await counted(counter);
      const version = await versionOf(counter);
      expect(await storeOf().correctCounter(counter, 7, version)).toBe('written');
      expect(await storeOf().correctCounter(counter, 9, version)).toBe('conflict');
      expect(await openIn(counter)).toBe(7);
      expect(await versionOf(counter)).not.toBe(version);
    });

    it('answers `conflict` and changes nothing after any write of the counter, one that came and went too', async () => {
      const counter = aCounter();
      const lease = await counted(counter);
      const atFirst = await versionOf(counter);
      const other = await counted(counter);
      expect(await storeOf().correctCounter(counter, 9, atFirst)).toBe('conflict');
      expect(await storeOf().update(revoked(other), 'release')).toBe('written');
      expect(await openIn(counter)).toBe(1);
      expect(await storeOf().correctCounter(counter, 9, atFirst)).toBe('conflict');
      const beforeTaking = await versionOf(counter);
      expect(await storeOf().update(changed(lease, { status: 'revoking' }), 'take')).toBe('written');
      expect(await storeOf().correctCounter(counter, 9, beforeTaking)).toBe('conflict');
      expect(await openIn(counter)).toBe(2);
    });

    it('is what later creates are measured by', async () => {
      const counter = aCounter();
      await counted(counter);
      expect(await storeOf().correctCounter(counter, 3, await versionOf(counter))).toBe('written');
      expect(await storeOf().create(countedIn(counter), { quotas: [limit(counter, 3)] })).toEqual({ full: counter });
      expect(await storeOf().create(countedIn(counter), { quotas: [limit(counter, 4)] })).toBe('written');
      expect(await openIn(counter)).toBe(4);
    });

    it('makes no counter', async () => {
      const counter = aCounter();
      expect(await storeOf().correctCounter(counter, 3, 1)).toBe('conflict');
      expect(await storeOf().readCounter(counter)).toBeUndefined();
    });
  });
}
