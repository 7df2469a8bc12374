import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Edition, openEdition, setUp, until, untilTestEnds } from '../local/harness.ts';
import { canLimitFiles, canMakeDisks, openDisk } from './disk.ts';
import { startInVain } from './start-in-vain.ts';
import { survive } from './survive.ts';

/** Room for the tables, the log of a few hundred writes and the audit log. */
const DISK_KIB = 8_192;
/** Far more than a busy machine takes. */
const LIMIT_MS = 300_000;

/** No file of the process may grow, nor be written to at its end: its open files refuse as those of a disk that went read-only. */
function limitFiles({ child }: Edition, bytes: '0' | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:unlimited`]);
}

/** Each line of the audit log, none of them torn. */
function auditOf({ dataFolder }: Edition): { readonly event: string }[] {
  const lines = readFileSync(join(dataFolder, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { event: string });
}

describe.runIf(canMakeDisks())('on a disk that fills up', () => {
  it(
    'under load it says so on the log, answers 503, lets no token outlive its lease, starts again though killed there, and goes on when there is room',
    async () => {
      const disk = untilTestEnds(await openDisk(DISK_KIB));
      const edition = untilTestEnds(await openEdition({ disk }));
      await setUp(edition);
      const log = await survive(edition, {
        begin: disk.fill,
        during: () => edition.restart('SIGKILL'),
        end: disk.free,
      });
      expect(log).toContain('audit_not_written');
      expect(auditOf(edition).filter(({ event }) => event === 'lease.revoked').length).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});

describe.runIf(canLimitFiles())('on a disk that refuses every write', () => {
  it(
    'under load it answers 503, lets no token outlive its lease, and goes on by itself when the disk takes writes again',
    async () => {
      const edition = untilTestEnds(await openEdition());
      await setUp(edition);
      const log = await survive(edition, {
        begin: () => limitFiles(edition, '0'),
        end: () => limitFiles(edition, 'unlimited'),
      });
      expect(log).toContain('audit_not_written');
      auditOf(edition);
    },
    LIMIT_MS,
  );
});

describe.runIf(canMakeDisks())('on a disk that is read-only', () => {
  it(
    'it does not start, says why in one line, and goes on with its leases where it may write again',
    async () => {
      const disk = untilTestEnds(await openDisk(DISK_KIB));
      const edition = untilTestEnds(await openEdition({ disk }));
      await setUp(edition);
      const load = await edition.ci.call('mintLease', { name: 'ci/release', body: { ttl: '1s' } });
      await edition.end('SIGKILL');
      disk.remount('bind,ro');
      const ended = startInVain(disk);
      expect(ended).toMatchObject({ status: 1, stdout: '' });
      expect(ended.stderr).toMatch(
        /^hublease: cannot use the data folder .*: it cannot be made, or hublease may not write/,
      );
      expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
      disk.remount('bind,rw');
      await edition.restart('SIGKILL');
      await until('what was leased before is revoked', async () => {
        const { body } = await edition.ci.call('getLease', { name: load.body.lease.id });
        return body.lease.status === 'revoked';
      });
    },
    LIMIT_MS,
  );
});
