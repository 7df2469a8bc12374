import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Credential } from '../../functions/core/model/target.ts';
import type { TargetCredentials } from '../../functions/core/ports/catalog.ts';
import { unique } from './builders.ts';
import { atOnce, type Settled } from './settled.ts';

/** A credential store to be tested. It may hold other rows; `close` runs once, after the last test. */
export interface TargetCredentialsUnderTest {
  readonly credentials: TargetCredentials;
  /** How to wait for `read`; absent where nothing lags. */
  readonly settled?: Settled;
  close(): Promise<void>;
}

/** What the port TargetCredentials promises, for any adapter. */
export function targetCredentialsContract(name: string, make: () => Promise<TargetCredentialsUnderTest>): void {
  describe(`${name} keeps the contract of TargetCredentials`, () => {
    let made: TargetCredentialsUnderTest;
    let credentials: TargetCredentials;
    let settled: Settled;
    beforeAll(async () => {
      made = await make();
      credentials = made.credentials;
      settled = made.settled ?? atOnce;
    });
    afterAll(() => made?.close());

    const aCredential = (): Credential => ({ username: 'acme-bot', password: unique('pass "word" ✓ \\') });
    async function current(target: string, credential: Credential): Promise<string> {
      const version = await credentials.stage(target, credential);
      await credentials.promote(target, version);
      return version;
    }

    it('reads nothing for a target that has no credential', async () => {
      expect(await credentials.read(unique('target'))).toBeUndefined();
    });

    it('does not show a staged credential', async () => {
      const target = unique('target');
      await credentials.stage(target, aCredential());
      await settled(async () => expect(await credentials.read(target)).toBeUndefined());
    });

    it('shows a credential once it is promoted, with the version that staging gave', async () => {
      const target = unique('target');
      const credential = aCredential();
      const version = await current(target, credential);
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential, version }));
    });

    it('keeps a second factor, and makes up none', async () => {
      const [with2fa, without] = [unique('target'), unique('target')];
      const credential = { ...aCredential(), totpSecret: 'JBSWY3DPEHPK3PXP' };
      await current(with2fa, credential);
      await current(without, aCredential());
      await settled(async () => {
        expect((await credentials.read(with2fa))?.credential).toEqual(credential);
        expect((await credentials.read(without))?.credential).not.toHaveProperty('totpSecret');
      });
    });

    it('keeps the current credential while another is staged, and changes it by the promotion', async () => {
      const target = unique('target');
      const [old, fresh] = [aCredential(), aCredential()];
      const oldVersion = await current(target, old);
      const version = await credentials.stage(target, fresh);
      expect(version).not.toBe(oldVersion);
      await settled(async () =>
        expect(await credentials.read(target)).toEqual({ credential: old, version: oldVersion }),
      );
      await credentials.promote(target, version);
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential: fresh, version }));
    });

    it('makes another version each time it stages, the same credential included', async () => {
      const target = unique('target');
      const credential = aCredential();
      const versions = [await current(target, credential)];
      for (let n = 0; n < 3; n++) versions.push(await credentials.stage(target, credential));
      expect(new Set(versions).size).toBe(4);
    });

    it('promotes either of two that were staged side by side', async () => {
      const target = unique('target');
      const [one, two] = [aCredential(), aCredential()];
      const first = await credentials.stage(target, one);
      const second = await credentials.stage(target, two);
      await credentials.promote(target, first);
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential: one, version: first }));
      await credentials.promote(target, second);
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential: two, version: second }));
    });

    it('keeps what is staged for one target however much is staged for another', async () => {
      const [target, busy] = [unique('target'), unique('target')];
      const credential = aCredential();
      const version = await credentials.stage(target, credential);
      for (let n = 0; n < 10; n++) await credentials.stage(busy, aCredential());
      await credentials.stage(target, aCredential());
      await credentials.promote(target, version);
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential, version }));
      await settled(async () => expect(await credentials.read(busy)).toBeUndefined());
    });

    it('may promote the current version again', async () => {
      const target = unique('target');
      const credential = aCredential();
      const version = await current(target, credential);
      await credentials.promote(target, version);
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential, version }));
    });

    it('rejects the promotion of a version that was never staged there, and keeps the current one', async () => {
      const [target, neighbour] = [unique('target'), unique('target')];
      const credential = aCredential();
      const version = await current(target, credential);
      const foreign = await credentials.stage(neighbour, aCredential());
      await expect(credentials.promote(target, foreign)).rejects.toThrow();
      await expect(credentials.promote(unique('target'), foreign)).rejects.toThrow();
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential, version }));
    });

    it('removes every version, staged ones included', async () => {
      const target = unique('target');
      await current(target, aCredential());
      const staged = await credentials.stage(target, aCredential());
      await credentials.remove(target);
      await settled(async () => expect(await credentials.read(target)).toBeUndefined());
      await expect(credentials.promote(target, staged)).rejects.toThrow();
    });

    it('may remove what is gone, or never was', async () => {
      const target = unique('target');
      await credentials.remove(target);
      await current(target, aCredential());
      await credentials.remove(target);
      await credentials.remove(target);
      await settled(async () => expect(await credentials.read(target)).toBeUndefined());
    });

    it('takes a credential again after a removal, under a version of its own', async () => {
      const target = unique('target');
      const former = await current(target, aCredential());
      await credentials.remove(target);
      await settled(async () => expect(await credentials.read(target)).toBeUndefined());
      const credential = aCredential();
      const version = await current(target, credential);
      expect(version).not.toBe(former);
      await settled(async () => expect(await credentials.read(target)).toEqual({ credential, version }));
    });

    it('keeps targets apart whose names share segments', async () => {
      const target = unique('team');
      const names = [target, `${target}/a`, `${target}-a`, `${target}/a/b`];
      const stored = new Map<string, Credential>();
      for (const each of names) {
        const credential = aCredential();
        stored.set(each, credential);
        await current(each, credential);
      }
      await credentials.remove(`${target}/a`);
      await settled(async () => {
        expect(await credentials.read(`${target}/a`)).toBeUndefined();
        for (const each of names.filter((one) => one !== `${target}/a`)) {
          expect((await credentials.read(each))?.credential).toEqual(stored.get(each));
        }
      });
    });

    it('quotes no credential when it rejects', async () => {
      const target = unique('target');
      const credential = aCredential();
      await current(target, credential);
      const error = await credentials.promote(target, 'never-staged-never-staged-never-staged').catch((e) => e);
      expect(error).toBeInstanceOf(Error);
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain(credential.password);
    });
  });
}
