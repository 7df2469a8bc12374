import { describe, expect, it } from 'vitest';
import { openEdition, setUp, untilTestEnds } from '../local/harness.ts';
import { canMakeDisks, canMakeFailingDisks, openDisk, openFailingDisk } from './disk.ts';
import { startInVain } from './start-in-vain.ts';
import { survive } from './survive.ts';

/** Room for the tables, the log of a few hundred writes and the audit log. */
const DISK_KIB = 8_192;
/** Room for nothing. */
const TINY_DISK_KIB = 64;
const FULL = /^hublease: [^\n]*full\n$/;

describe.runIf(canMakeDisks())('on a disk that fills up', () => {
  it('five times, it goes on by itself each time', async () => {
    const disk = untilTestEnds(await openDisk(DISK_KIB));
    const edition = untilTestEnds(await openEdition({ disk }));
    await setUp(edition);
    for (let time = 0; time < 5; time++) await survive(edition, { begin: disk.fill, end: disk.free });
  });

  it('before its first start, it says why in one line, and starts when there is room', async () => {
    const disk = untilTestEnds(await openDisk(DISK_KIB));
    disk.fill();
    expect(startInVain(disk)).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(FULL) });
    disk.free();
    await setUp(untilTestEnds(await openEdition({ disk })));
  });

  it('at any point of its first start, it says so in one line or starts', async () => {
    for (let sizeKib = TINY_DISK_KIB; sizeKib < 150; sizeKib += 12) {
      const disk = untilTestEnds(await openDisk(sizeKib));
      const ended = startInVain(disk);
      if (ended.status === 0) continue;
      expect(ended).toMatchObject({ status: 1, stdout: '' });
      expect(ended.stderr).toMatch(/^hublease: [^\n]+\n$/);
    }
  });
});

describe.runIf(canMakeFailingDisks())('on a disk that the kernel makes read-only', () => {
  it('under load it answers 503 and lets no token outlive its lease; it ends when started there, and goes on when the disk is repaired', async () => {
    const disk = untilTestEnds(await openFailingDisk());
    const edition = untilTestEnds(await openEdition({ disk }));
    await setUp(edition);
    const log = await survive(edition, {
      begin: disk.fail,
      async during() {
        await edition.end('SIGKILL');
        expect(startInVain(disk)).toMatchObject({ status: 1, stdout: '' });
        disk.repair();
        await edition.restart('SIGKILL');
      },
      end: () => undefined,
      // Of a program that only writes and flushes, Linux 6.18 lost the last flushed write in one of six such failures.
      isForgetful: true,
    });
    expect(log).toContain('audit_not_written');
  });
});
