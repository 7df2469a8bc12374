import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Evidence, Lease } from '../../functions/core/model/lease.ts';
import type { LeaseFilter, LeaseStore } from '../../functions/core/ports/leases.ts';
import type { PageRequest } from '../../functions/core/ports/pages.ts';
import { aCaller, aLease, anOpId, changed, reopened, revoked, unique } from './builders.ts';
import { leaseClaimsContract } from './lease-claims.ts';
import { allItems, expectDamageRefused, expectRefused, firstToken } from './paging.ts';
import { atOnce, type Settled } from './settled.ts';

/** A lease store to be tested. The store may hold other rows; `close` runs once, after the last test. */
export interface LeaseStoreUnderTest {
  readonly store: LeaseStore;
  /** How to wait for `due`, `list` and `countOpen`; absent where nothing lags. */
  readonly settled?: Settled;
  close(): Promise<void>;
}

/** What the port LeaseStore promises, for any adapter. */
export function leaseStoreContract(name: string, make: () => Promise<LeaseStoreUnderTest>): void {
  describe(`${name} keeps the contract of LeaseStore`, () => {
    let made: LeaseStoreUnderTest;
    let store: LeaseStore;
    let settled: Settled;
    beforeAll(async () => {
      made = await make();
      store = made.store;
      settled = made.settled ?? atOnce;
    });
    afterAll(() => made?.close());

    async function created(overrides: Partial<Lease> = {}): Promise<Lease> {
      const lease = aLease(overrides);
      expect(await store.create(lease)).toBe('written');
      return lease;
    }
    async function updated<L extends Lease>(lease: L): Promise<L> {
      expect(await store.update(lease)).toBe('written');
      return lease;
    }
    const listing = (filter: LeaseFilter) => (page: PageRequest) => store.list(filter, page);
    const dueAt = (nowMs: number) => (page: PageRequest) => store.due(nowMs, page);
    const idsOf = (leases: readonly Lease[]) => leases.map((lease) => lease.id);

    describe('create and get', () => {
      it('gives back every field of a lease as it was written', async () => {
        const lease = await created({
          label: 'release ✓ "quoted" \\ \u{1f433}',
          reason: 'line one\nline two',
          hubExpiresAtMs: null,
          removedTokenIds: ['a', 'b'],
          lastError: 'timeout',
          reopened: 1,
          hubReportedExpiresAtMs: 5,
          expiryClipped: true,
          createRefused: true,
          blockedBy: ['c', 'd'],
          counters: ['secret:a', 'target:b'],
          lastUsedAtMs: 7,
        });
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it('gives back the resources of an organization token', async () => {
        const { scope: _, ...pat } = aLease();
        const lease: Lease = {
          ...pat,
          kind: 'oat',
          resources: [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull', 'scope-image-push'] }],
        };
        expect(await store.create(lease)).toBe('written');
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it('gives back a revoked lease without a time to live', async () => {
        const { ttlAtMs: _, ...lease } = revoked(aLease());
        expect(await store.create(lease)).toBe('written');
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it.each<Evidence>([
        { kind: 'deleted', atMs: 1, httpStatus: 202, confirmedBy: 'inactive' },
        { kind: 'expired', atMs: 1, hubDateMs: 2, hubExpiresAtMs: 3 },
        { kind: 'attested', atMs: 1, by: aCaller(), reason: 'the account is closed' },
        {
          kind: 'absent',
          atMs: 1,
          quietUntilMs: 2,
          firstListingAtMs: 3,
          secondListingAtMs: 4,
          tokensListed: 0,
          removedTokenIds: [],
        },
      ])('gives back the evidence of a revoked lease: $kind', async (evidence) => {
        const lease = { ...revoked(aLease()), evidence };
        expect(await store.create(lease)).toBe('written');
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it('gives back a lease that has no token yet', async () => {
        const lease = aLease({ status: 'minting' });
        expect(await store.create(lease)).toBe('written');
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it('knows nothing of a lease that was never written', async () => {
        expect(await store.get(aLease().id)).toBeUndefined();
      });

      it('answers `written` to the same create again', async () => {
        const lease = await created();
        expect(await store.create(lease)).toBe('written');
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it('answers `conflict` to another create of a taken id, and keeps the first', async () => {
        const lease = await created();
        expect(await store.create(aLease({ id: lease.id }))).toBe('conflict');
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it('answers `conflict` to a repeated create once the lease has moved on, and keeps what it became', async () => {
        const lease = await created();
        const later = await updated(changed(lease, { attempts: 1 }));
        expect(await store.create(lease)).toBe('conflict');
        expect(await store.get(lease.id)).toEqual(later);
      });

      it('does not take a later version for its own row because the opId is the same', async () => {
        const lease = await created();
        const later = await updated({ ...changed(lease, { attempts: 1 }), opId: lease.opId });
        expect(await store.create(lease)).toBe('conflict');
        expect(await store.get(lease.id)).toEqual(later);
      });

      it('lets exactly one of many concurrent creates win', async () => {
        const id = aLease().id;
        const rivals = Array.from({ length: 8 }, () => aLease({ id }));
        const outcomes = await Promise.all(rivals.map((rival) => store.create(rival)));
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
        expect(await store.get(id)).toEqual(rivals[outcomes.indexOf('written')]);
      });
    });

    describe('update', () => {
      it('replaces the whole row, fields that are gone included', async () => {
        const lease = await created({ lastError: 'timeout' });
        const next = await updated(changed(lease, { status: 'revoking', lastError: undefined, revokingSinceMs: 7 }));
        const row = await store.get(lease.id);
        expect(row).toEqual(next);
        expect(row).not.toHaveProperty('lastError');
      });

      it('answers `written` to the same update again and changes nothing', async () => {
        const next = await updated(changed(await created(), { attempts: 1 }));
        expect(await store.update(next)).toBe('written');
        expect(await store.get(next.id)).toEqual(next);
      });

      it('answers `conflict` to an update from an older version', async () => {
        const lease = await created();
        const next = await updated(changed(lease, { attempts: 1 }));
        expect(await store.update(changed(lease, { attempts: 2 }))).toBe('conflict');
        expect(await store.get(lease.id)).toEqual(next);
      });

      it('answers `conflict` to an update from a version that is not there yet', async () => {
        const lease = await created();
        const skipped = changed(changed(lease, { attempts: 1 }), { attempts: 2 });
        expect(await store.update(skipped)).toBe('conflict');
        expect(await store.get(lease.id)).toEqual(lease);
      });

      it('answers `conflict` to a repeated update once another has followed it', async () => {
        const first = await updated(changed(await created(), { attempts: 1 }));
        const second = await updated(changed(first, { attempts: 2 }));
        expect(await store.update(first)).toBe('conflict');
        expect(await store.get(first.id)).toEqual(second);
      });

      it('does not take a write of another version for its own because the opId is the same', async () => {
        const lease = await created();
        const next = await updated(changed(lease, { attempts: 1 }));
        expect(await store.update({ ...next, version: next.version + 2 })).toBe('conflict');
        expect(await store.get(lease.id)).toEqual(next);
      });

      it('never creates a row', async () => {
        const absent = aLease();
        expect(await store.update(absent)).toBe('conflict');
        expect(await store.update(changed(absent, { attempts: 1 }))).toBe('conflict');
        expect(await store.get(absent.id)).toBeUndefined();
      });

      it('lets exactly one of many concurrent updates win', async () => {
        const lease = await created();
        const rivals = Array.from({ length: 8 }, (_, attempts) => changed(lease, { attempts }));
        const outcomes = await Promise.all(rivals.map((rival) => store.update(rival)));
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
        expect(await store.get(lease.id)).toEqual(rivals[outcomes.indexOf('written')]);
      });

      it('loses no step of concurrent writers who each read again after a conflict', async () => {
        const lease = await created();
        await Promise.all(
          Array.from({ length: 4 }, async () => {
            for (let tries = 0; tries < 50; tries++) {
              const row = (await store.get(lease.id)) as Lease;
              if ((await store.update(changed(row, { attempts: row.attempts + 1 }))) === 'written') return;
            }
            throw new Error('never won');
          }),
        );
        expect(await store.get(lease.id)).toMatchObject({ attempts: 4, version: 5 });
      });
    });

    describe('due', () => {
      const nowMs = Date.now();
      async function ownDue(own: readonly Lease[], atMs = nowMs, limit = 100): Promise<string[]> {
        const ids = new Set(idsOf(own));
        return (await allItems(dueAt(atMs), limit)).filter((id) => ids.has(id));
      }

      it('names open leases at or past their due time, most overdue first', async () => {
        const late = await created({ dueAtMs: nowMs - 2_000 });
        const latest = await created({ dueAtMs: nowMs - 90_000, status: 'minting' });
        const exact = await created({ dueAtMs: nowMs, status: 'revoking' });
        const early = await created({ dueAtMs: nowMs + 1 });
        await settled(async () =>
          expect(await ownDue([late, latest, exact, early])).toEqual(idsOf([latest, late, exact])),
        );
      });

      it('gives every due lease exactly once over pages of any size', async () => {
        const leases: Lease[] = [];
        for (let n = 0; n < 7; n++) leases.push(await created({ dueAtMs: nowMs - 50_000 + n }));
        for (const limit of [1, 3, 100]) {
          await settled(async () => expect(await ownDue(leases, nowMs, limit)).toEqual(idsOf(leases)));
        }
      });

      it('gives leases with one due time exactly once over pages', async () => {
        const leases: Lease[] = [];
        for (let n = 0; n < 5; n++) leases.push(await created({ dueAtMs: nowMs - 40_000 }));
        await settled(async () => expect((await ownDue(leases, nowMs, 2)).sort()).toEqual(idsOf(leases).sort()));
      });

      it('misses nothing when what a page named is revoked before the next page', async () => {
        const leases = new Map<string, Lease>();
        for (let n = 0; n < 6; n++) {
          const lease = await created({ dueAtMs: nowMs - 30_000 + n });
          leases.set(lease.id, lease);
        }
        await settled(async () => expect(await ownDue([...leases.values()])).toHaveLength(6));
        const seen: string[] = [];
        await allItems(async (page) => {
          const answer = await store.due(nowMs, page);
          for (const id of answer.items) {
            const lease = leases.get(id);
            if (lease === undefined) continue;
            seen.push(id);
            await updated(revoked(lease));
          }
          return answer;
        }, 2);
        expect(seen).toEqual([...leases.keys()]);
      });

      it('follows a due time that moves', async () => {
        const lease = await created({ dueAtMs: nowMs - 1_000 });
        await settled(async () => expect(await ownDue([lease])).toEqual([lease.id]));
        await updated(changed(lease, { dueAtMs: nowMs + 60_000 }));
        await settled(async () => expect(await ownDue([lease])).toEqual([]));
        expect(await ownDue([lease], nowMs + 60_000)).toEqual([lease.id]);
      });

      it('drops a lease once it is revoked, and names it again once it is reopened', async () => {
        const lease = await created({ dueAtMs: nowMs - 1_000 });
        const closed = await updated(revoked(lease));
        await settled(async () => expect(await ownDue([lease])).toEqual([]));
        await updated(reopened(closed, nowMs - 5));
        await settled(async () => expect(await ownDue([lease])).toEqual([lease.id]));
      });

      it('refuses a token that is damaged or never was one', async () => {
        await created({ dueAtMs: nowMs - 3 });
        await created({ dueAtMs: nowMs - 2 });
        await settled(async () => expect((await store.due(nowMs, { limit: 1 })).nextToken).toBeDefined());
        await expectDamageRefused(dueAt(nowMs));
      });
    });

    describe('list', () => {
      it('gives the newest first', async () => {
        const secret = unique('secret');
        const fromMs = Date.now() - 60_000;
        const second = await created({ secret, issuedAtMs: fromMs + 20 });
        const first = await created({ secret, issuedAtMs: fromMs + 10 });
        const third = await created({ secret, issuedAtMs: fromMs + 30 });
        await settled(async () => expect(await allItems(listing({ secret }))).toEqual([third, second, first]));
      });

      it('takes in every lease when nothing is asked for', async () => {
        const older = await created({ issuedAtMs: Date.now() - 5_000 });
        const newer = await created({ issuedAtMs: Date.now() - 4_000 });
        const own = new Set(idsOf([older, newer]));
        await settled(async () => {
          const ids = idsOf(await allItems(listing({}))).filter((id) => own.has(id));
          expect(ids).toEqual(idsOf([newer, older]));
        });
      });

      it('gives only what matches caller, secret and status, alone and together', async () => {
        const [callerA, callerB] = [aCaller(), aCaller()];
        const [secretA, secretB] = [unique('secret'), unique('secret')];
        const fromMs = Date.now() - 60_000;
        const aa = await created({ caller: callerA, secret: secretA, issuedAtMs: fromMs + 4 });
        const ab = await created({ caller: callerA, secret: secretB, issuedAtMs: fromMs + 3 });
        const ba = await created({ caller: callerB, secret: secretA, issuedAtMs: fromMs + 2, status: 'revoking' });
        const closed = await updated(
          revoked(await created({ caller: callerA, secret: secretA, issuedAtMs: fromMs + 1 })),
        );
        const expected: readonly (readonly [LeaseFilter, readonly Lease[]])[] = [
          [{ caller: callerA }, [aa, ab, closed]],
          [{ caller: callerB }, [ba]],
          [{ secret: secretA }, [aa, ba, closed]],
          [{ secret: secretB }, [ab]],
          [{ caller: callerA, secret: secretA }, [aa, closed]],
          [{ caller: callerB, secret: secretB }, []],
          [{ caller: callerA, status: 'active' }, [aa, ab]],
          [{ caller: callerA, status: 'revoked' }, [closed]],
          [{ secret: secretA, status: 'revoking' }, [ba]],
          [{ secret: secretA, status: 'minting' }, []],
          [{ caller: callerA, secret: secretA, status: 'active' }, [aa]],
          [{ caller: aCaller() }, []],
        ];
        for (const [filter, leases] of expected) {
          await settled(async () => expect(await allItems(listing(filter))).toEqual(leases));
        }
      });

      it('gives only what matches a status when only a status is asked for', async () => {
        const active = await created();
        const minting = await created({ status: 'minting' });
        await settled(async () => {
          const ids = idsOf(await allItems(listing({ status: 'minting' })));
          expect(ids).toContain(minting.id);
          expect(ids).not.toContain(active.id);
        });
      });

      it('takes a filter as text, never as a pattern or a part of a name', async () => {
        const lease = await created();
        for (const secret of ['%', '*', lease.secret.slice(0, -1), `${lease.secret}/x`, `${lease.secret}' --`]) {
          expect(await allItems(listing({ secret }))).toEqual([]);
        }
      });

      it('shows a lease as its last write left it', async () => {
        const lease = await created();
        const next = await updated(changed(lease, { attempts: 3, lastError: 'timeout' }));
        await settled(async () => expect(await allItems(listing({ secret: lease.secret }))).toEqual([next]));
      });

      it('gives every lease exactly once over pages of any size', async () => {
        const caller = aCaller();
        const fromMs = Date.now() - 60_000;
        const leases: Lease[] = [];
        for (let n = 0; n < 7; n++) leases.unshift(await created({ caller, issuedAtMs: fromMs + n }));
        for (const limit of [1, 2, 3, 7, 100]) {
          await settled(async () => expect(await allItems(listing({ caller }), limit)).toEqual(leases));
        }
      });

      it('gives every match exactly once over pages of any size, where others lie between', async () => {
        const [caller, secret] = [aCaller(), unique('secret')];
        const fromMs = Date.now() - 60_000;
        const matching: Lease[] = [];
        for (let n = 0; n < 4; n++) {
          matching.unshift(await created({ caller, secret, status: 'minting', issuedAtMs: fromMs + 3 * n }));
          await created({ caller, status: 'minting', issuedAtMs: fromMs + 3 * n + 1 });
          await created({ caller, secret, issuedAtMs: fromMs + 3 * n + 2 });
        }
        for (const limit of [1, 2, 3, 4]) {
          await settled(async () =>
            expect(await allItems(listing({ caller, secret, status: 'minting' }), limit)).toEqual(matching),
          );
        }
      });

      it('gives leases issued in one instant exactly once over pages', async () => {
        const caller = aCaller();
        const issuedAtMs = Date.now() - 60_000;
        const leases: Lease[] = [];
        for (let n = 0; n < 5; n++) leases.push(await created({ caller, issuedAtMs }));
        await settled(async () =>
          expect(idsOf(await allItems(listing({ caller }), 2)).sort()).toEqual(idsOf(leases).sort()),
        );
      });

      it('neither repeats nor misses a lease when newer ones are written between two pages', async () => {
        const caller = aCaller();
        const fromMs = Date.now() - 60_000;
        const leases: Lease[] = [];
        for (let n = 0; n < 5; n++) leases.unshift(await created({ caller, issuedAtMs: fromMs + n }));
        await settled(async () => expect(await allItems(listing({ caller }))).toHaveLength(5));
        let later = 0;
        const seen = await allItems(async (page) => {
          const answer = await store.list({ caller }, page);
          await created({ caller, issuedAtMs: fromMs + 1_000 + later++ });
          return answer;
        }, 2);
        expect(idsOf(seen).filter((id) => idsOf(leases).includes(id))).toEqual(idsOf(leases));
      });

      it('refuses a token that is damaged or never was one', async () => {
        const caller = aCaller();
        await created({ caller });
        await created({ caller });
        await settled(async () => expect((await store.list({ caller }, { limit: 1 })).nextToken).toBeDefined());
        await expectDamageRefused(listing({ caller }));
      });

      it('refuses the token of another list', async () => {
        const [caller, secret] = [aCaller(), unique('secret')];
        const nowMs = Date.now();
        await created({ caller, secret, dueAtMs: nowMs - 2 });
        await created({ caller, secret, dueAtMs: nowMs - 1 });
        await settled(async () => {
          expect((await store.list({ caller }, { limit: 1 })).nextToken).toBeDefined();
          expect((await store.list({ secret }, { limit: 1 })).nextToken).toBeDefined();
          expect((await store.due(nowMs, { limit: 1 })).nextToken).toBeDefined();
        });
        const ofCaller = await firstToken(listing({ caller }));
        await expectRefused(listing({ caller: aCaller() }), ofCaller);
        await expectRefused(listing({ secret }), ofCaller);
        await expectRefused(listing({ caller, secret }), ofCaller);
        await expectRefused(listing({ caller, status: 'active' }), ofCaller);
        await expectRefused(listing({}), ofCaller);
        await expectRefused(dueAt(nowMs), ofCaller);
        await expectRefused(listing({ caller }), await firstToken(listing({ secret })));
        await expectRefused(listing({ caller }), await firstToken(dueAt(nowMs)));
      });

      it('takes its own token again with another limit', async () => {
        const caller = aCaller();
        const fromMs = Date.now() - 60_000;
        const leases: Lease[] = [];
        for (let n = 0; n < 3; n++) leases.unshift(await created({ caller, issuedAtMs: fromMs + n }));
        await settled(async () => expect(await allItems(listing({ caller }))).toHaveLength(3));
        const { items, nextToken } = await store.list({ caller }, { limit: 1 });
        const rest = async () =>
          allItems((page) => store.list({ caller }, { limit: 50, nextToken: page.nextToken ?? (nextToken as string) }));
        expect([...items, ...(await rest())]).toEqual(leases);
        expect([...items, ...(await rest())]).toEqual(leases);
      });
    });

    describe('listOpen', () => {
      const listingOpen = (page: PageRequest) => store.listOpen(page);
      async function ownOpen(own: readonly Lease[], limit = 100): Promise<string[]> {
        const ids = new Set(idsOf(own));
        return idsOf(await allItems(listingOpen, limit)).filter((id) => ids.has(id));
      }

      it('gives minting, active and revoking leases whole, and no revoked ones', async () => {
        const open = [
          await created({ status: 'minting' }),
          await created({ status: 'active', counters: [`secret:${unique('secret')}`] }),
          await created({ status: 'revoking' }),
        ];
        const closed = await updated(revoked(await created()));
        await settled(async () => {
          const all = await allItems(listingOpen);
          for (const lease of open) expect(all).toContainEqual(lease);
          expect(idsOf(all)).not.toContain(closed.id);
          expect(all.filter((lease) => lease.status === 'revoked')).toEqual([]);
        });
      });

      it('gives every open lease exactly once over pages of any size', async () => {
        const leases: Lease[] = [];
        for (let n = 0; n < 7; n++) leases.push(await created());
        for (const limit of [3, 7, 100]) {
          await settled(async () => expect((await ownOpen(leases, limit)).sort()).toEqual(idsOf(leases).sort()));
        }
      });

      it('neither repeats nor misses a lease when due times move between two pages', async () => {
        const nowMs = Date.now();
        const leases = new Map<string, Lease>();
        for (let n = 0; n < 12; n++) {
          const lease = await created({ dueAtMs: nowMs + n * 1_000 });
          leases.set(lease.id, lease);
        }
        await settled(async () => expect(await ownOpen([...leases.values()])).toHaveLength(12));
        let turn = 0;
        const seen = await allItems(async (page) => {
          const answer = await store.listOpen(page);
          turn += 1;
          for (const [id, lease] of leases) {
            const dueAtMs = nowMs + (turn % 2 === 0 ? 1 : -1) * 10_000 * turn;
            leases.set(id, await updated(changed(lease, { dueAtMs })));
          }
          return answer;
        }, 50);
        expect(
          idsOf(seen)
            .filter((id) => leases.has(id))
            .sort(),
        ).toEqual([...leases.keys()].sort());
      });

      it('drops a lease once it is revoked, and gives it again once it is reopened', async () => {
        const lease = await created();
        const closed = await updated(revoked(lease));
        await settled(async () => expect(await ownOpen([lease])).toEqual([]));
        await updated(reopened(closed));
        await settled(async () => expect(await ownOpen([lease])).toEqual([lease.id]));
      });

      it('refuses a token that is damaged, never was one, or is of another list', async () => {
        const { caller } = await created();
        await created({ caller });
        await settled(async () => {
          expect((await store.listOpen({ limit: 1 })).nextToken).toBeDefined();
          expect((await store.list({ caller }, { limit: 1 })).nextToken).toBeDefined();
        });
        await expectDamageRefused(listingOpen);
        await expectRefused(listingOpen, await firstToken(listing({ caller })));
        await expectRefused(listing({ caller }), await firstToken(listingOpen));
      });
    });

    describe('findByToken', () => {
      it('gives the lease of a token, while it is open and after', async () => {
        const lease = await created();
        const sha256 = lease.tokenSha256 as string;
        await settled(async () => expect(await store.findByToken(sha256)).toBe(lease.id));
        await updated(revoked(lease));
        await settled(async () => expect(await store.findByToken(sha256)).toBe(lease.id));
      });

      it('follows a lease that gets its token later', async () => {
        const lease = aLease({ status: 'minting' });
        const active = changed(lease, { status: 'active' });
        expect(await store.create(lease)).toBe('written');
        expect(await store.findByToken(active.tokenSha256)).toBeUndefined();
        await updated(active);
        await settled(async () => expect(await store.findByToken(active.tokenSha256)).toBe(lease.id));
      });

      it('finds nothing for a token of nobody, a part of a SHA-256, or what is none', async () => {
        const { tokenSha256 } = await created();
        const others = ['', '%', '0'.repeat(64), (tokenSha256 as string).slice(0, -1), `${tokenSha256}0`];
        for (const other of others) expect(await store.findByToken(other)).toBeUndefined();
      });
    });

    leaseClaimsContract(() => store);

    describe('countOpen', () => {
      it('counts minting, active and revoking leases of a target or a secret, and nobody else’s', async () => {
        const [target, secret] = [unique('target'), unique('secret')];
        await created({ target, secret, status: 'minting' });
        await created({ target, secret, status: 'active' });
        await created({ target, secret: unique('secret'), status: 'revoking' });
        await updated(revoked(await created({ target, secret })));
        await created({ target: `${target}/x`, secret: `${secret}/x` });
        await settled(async () => {
          expect(await store.countOpen({ target })).toBe(3);
          expect(await store.countOpen({ secret })).toBe(2);
        });
      });

      it('counts 0 for what has no lease', async () => {
        expect(await store.countOpen({ target: unique('target') })).toBe(0);
        expect(await store.countOpen({ secret: unique('secret') })).toBe(0);
      });

      it('counts more than one page of leases', async () => {
        const secret = unique('secret');
        const fromMs = Date.now();
        await Promise.all(Array.from({ length: 120 }, (_, n) => created({ secret, issuedAtMs: fromMs + n })));
        await settled(async () => expect(await store.countOpen({ secret })).toBe(120));
      });

      it('follows a lease as it is revoked and reopened', async () => {
        const lease = await created();
        await settled(async () => expect(await store.countOpen({ secret: lease.secret })).toBe(1));
        const closed = await updated(revoked(lease));
        await settled(async () => expect(await store.countOpen({ secret: lease.secret })).toBe(0));
        await updated(reopened(closed));
        await settled(async () => expect(await store.countOpen({ secret: lease.secret })).toBe(1));
      });

      it('is not moved by a write that was refused or repeated', async () => {
        const lease = await created();
        await store.create(lease);
        await store.create({ ...aLease({ id: lease.id }), secret: lease.secret });
        await store.update({ ...lease, version: 9, opId: anOpId() });
        await settled(async () => expect(await store.countOpen({ secret: lease.secret })).toBe(1));
      });
    });

    it('says how long it may lag', () => {
      expect(Number.isSafeInteger(store.settleMs)).toBe(true);
      expect(store.settleMs).toBeGreaterThanOrEqual(0);
      expect(store.settleMs > 0 || made.settled === undefined, 'a store with settleMs 0 may not lag').toBe(true);
    });
  });
}
