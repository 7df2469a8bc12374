import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EditionOptions } from '../local/harness.ts';
import { tempFolder } from '../local/harness.ts';

/** Mounts of its own. Who is not root gets them with a user namespace, in which it plays root. */
const UNSHARE = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
const ENTER = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--preserve-credentials', '--mount'];

/** Takes whatever is left of the disk. */
const FILLER = 'filler';

/** A small disk of its own, in memory, which nobody else sees. It holds the data folder of one edition. */
export interface Disk extends NonNullable<EditionOptions['disk']> {
  /** Leaves not a byte free. */
  fill(): void;
  /** Takes back what `fill` took. */
  free(): void;
  /** Mounts it anew with these options, such as `bind,ro`. @throws Error while a file on it is open for writing. */
  remount(options: string): void;
  close(): void;
}

/**
 * Says whether disks can be made here, and why not in one line.
 *
 * @throws Error where the tiers are mandatory (`HUBLEASE_REQUIRE_TIERS=1`, as in CI).
 */
export function canMakeDisks(): boolean {
  const mount = ['unshare', ...UNSHARE, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'];
  return canRun(mount, 'small disks need mount namespaces, and none may be made here');
}

/** Says whether a process can be kept from writing, as `canMakeDisks` does. */
export function canLimitFiles(): boolean {
  return canRun(['prlimit', '--version'], 'a disk that refuses every write needs prlimit, which is not installed');
}

function canRun([program = '', ...args]: readonly string[], otherwise: string): boolean {
  if (process.platform === 'linux' && spawnSync(program, args, { stdio: 'ignore' }).status === 0) return true;
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(otherwise);
  process.stderr.write(`skipped: ${otherwise}\n`);
  return false;
}

/** Makes a disk in memory. It ends with `close`, with this process, and with whatever still runs on it. */
export function openDisk(sizeKib: number): Promise<Disk> {
  return mount(`mount -t tmpfs -o size=${sizeKib}k,mode=700 tmpfs "$0"`);
}

/** A disk with a journal, which takes no writes any more when that fails. */
export interface FailingDisk extends Disk {
  /** The kernel finds an error, and makes it read-only under files that are open. */
  fail(): void;
  /** Mounts it anew, as after a restart of the machine. Nothing may be using it. */
  repair(): void;
}

/** Whether `openFailingDisk` can be. Only the machine's root may mount one, and a container may have no loop devices. */
export function canMakeFailingDisks(): boolean {
  const folder = tempFolder();
  try {
    const script = `mkdir "$0" && ${MAKE_EXT4} && mount -o loop "$0.img" "$0"`;
    const made = spawnSync('unshare', ['--mount', 'sh', '-c', script, join(folder.path, 'disk')], { stdio: 'ignore' });
    if (made.status === 0) return true;
    process.stderr.write('skipped: a disk that fails needs root, mkfs.ext4 and loop devices\n');
    return false;
  } finally {
    folder.close();
  }
}

/** Makes an ext4 disk on a file. */
export async function openFailingDisk(): Promise<FailingDisk> {
  const disk = await mount(`${MAKE_EXT4} && mount -o loop "$0.img" "$0"`);
  return {
    ...disk,
    fail: () => disk.remount('abort'),
    repair: () => disk.inside('sh', '-c', 'umount "$0" && mount -o loop "$0.img" "$0"', disk.path),
  };
}

/** 16 MiB: the least that has room for a journal and much else. */
const MAKE_EXT4 = 'truncate -s 16M "$0.img" && mkfs.ext4 -q "$0.img"';

interface Mounted extends Disk {
  readonly path: string;
  /** Runs a program that has the disk. @throws Error when it fails. */
  inside(...args: readonly string[]): void;
}

async function mount(mounting: string): Promise<Mounted> {
  const folder = tempFolder();
  const path = join(folder.path, 'disk');
  mkdirSync(path);
  const script = `${mounting} && echo mounted && exec cat`;
  // It holds the namespace, and ends when its standard input does.
  const holder = spawn('unshare', [...UNSHARE, 'sh', '-c', script, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await first(holder);
  const command = ['nsenter', '--target', String(holder.pid), ...ENTER, '--'];
  const inside = (...args: readonly string[]) => {
    const [program, ...rest] = [...command, ...args];
    execFileSync(program as string, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const filler = join(path, FILLER);
  const data = join(path, 'data');
  return {
    path,
    inside,
    command,
    data: { inside: data, outside: `/proc/${holder.pid}/root${data}` },
    fill: () => inside('sh', '-c', 'cat /dev/zero >"$0" 2>/dev/null; test -s "$0"', filler),
    free: () => inside('rm', '--', filler),
    remount: (options) => inside('mount', '-o', `remount,${options}`, path),
    close() {
      holder.stdin?.end();
      folder.close();
    },
  };
}

/** Waits for the first word of a process. @throws Error when it ends before it. */
async function first(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the disk could not be made')));
  await Promise.race([once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data'), ended]);
  ended.catch(() => undefined);
}
