import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, uptime } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { openPrivateFolder, readPrivateFile } from './private-files.ts';

/**
 * Leases are stored in plain text, in files that only this user can read (0600, in a folder 0700). Nothing else protects them: everybody
 * who can read the files could also read a key beside them. See docs/decisions/17-cache-by-file-modes.md.
 */

type Env = Readonly<Record<string, string | undefined>>;

/** After this share of a lease's life, the next call takes a new one. So a returned token has some time left. */
const FRESH_SHARE = 0.75;
/** If no new lease is possible, the stored one is returned only if it lives at least this long. */
const USABLE_MS = 30_000;

/** The variables by which the AWS SDK's chain chooses our identity. */
const IDENTITY = [
  'AWS_PROFILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
];
/** Older files are removed: their leases have ended, as the longest TTL is a few days. */
const FORGOTTEN_AFTER_MS = 7 * 86_400_000;

/** A returned lease, stored for the next call. */
export interface CachedLease {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
  readonly ttlMs: number;
  /** Two clocks at its issue: the wall clock, and the machine's uptime, which nobody can set. */
  readonly wallMs: number;
  readonly uptimeMs: number;
}

/** The two clocks now. */
export interface Clocks {
  readonly wallMs: number;
  readonly uptimeMs: number;
}

export function clocksNow(): Clocks {
  return { wallMs: Date.now(), uptimeMs: Math.floor(uptime() * 1_000) };
}

/** The folder of stored leases, for this user only. */
export function cacheFolderOf(env: Env): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'hublease');
}

/**
 * One file per endpoint, secret and identity. The identity is only known by the variables that choose it. Asking AWS for it would take
 * longer than the lease.
 */
export function cacheFileOf(env: Env, place: { endpoint: string; secret: string; ttl?: string }): string {
  const parts = [place.endpoint, place.secret, place.ttl ?? '', ...IDENTITY.map((name) => env[name] ?? '')];
  const name = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
  return join(cacheFolderOf(env), `${name}.lease`);
}

/** Whether a lease may be returned without taking a newer one. */
export function isFresh(lease: CachedLease, now: Clocks): boolean {
  return ageMs(lease, now) < lease.ttlMs * FRESH_SHARE;
}

/** Whether a lease may be returned if no newer one is possible. */
export function isUsable(lease: CachedLease, now: Clocks): boolean {
  return ageMs(lease, now) < lease.ttlMs - USABLE_MS;
}

/** The larger age of the two clocks: one may have been set, the other restarts with the machine. */
function ageMs(lease: CachedLease, now: Clocks): number {
  const wall = now.wallMs - lease.wallMs;
  const uptime = now.uptimeMs - lease.uptimeMs;
  // A clock before the issue was set back or restarted. A lease of unknown age cannot be used.
  if (wall < 0 || uptime < 0) return Number.POSITIVE_INFINITY;
  return Math.max(wall, uptime);
}

/** The content of a file: a lease, and the name of its file. */
interface Kept extends CachedLease {
  readonly file: string;
}

/**
 * Reads a stored lease.
 *
 * @returns undefined if there is none or it cannot be read, if its file or folder belongs to another user or is open to others, or if
 *   it was stored in another file.
 */
export function readLease(file: string): CachedLease | undefined {
  const text = readPrivateFile(dirname(file), file);
  if (text === undefined) return undefined;
  try {
    const kept = JSON.parse(text) as Kept;
    return isKept(kept) && kept.file === basename(file) ? kept : undefined;
  } catch {
    return undefined;
  }
}

function isKept({ leaseId, username, password, ttlMs, wallMs, uptimeMs }: Kept): boolean {
  const texts = [leaseId, username, password].every((each) => typeof each === 'string');
  return texts && [ttlMs, wallMs, uptimeMs].every((each) => Number.isFinite(each));
}

/** Stores a lease atomically, for this user only. @throws CommandFailed or the system's error if it cannot. */
export function writeLease(file: string, lease: CachedLease): void {
  const folder = dirname(file);
  openPrivateFolder(folder);
  const part = `${file}.${randomBytes(8).toString('hex')}.part`;
  const kept: Kept = { ...lease, file: basename(file) };
  try {
    writeFileSync(part, JSON.stringify(kept), { mode: 0o600, flag: 'wx' });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
  forgetOld(folder);
}

export function forgetLease(file: string): void {
  rmSync(file, { force: true });
}

/** Removes revoked leases from all files: their tokens must not be returned any more. */
export function forgetRevoked(env: Env, leaseIds: ReadonlySet<string>): void {
  const folder = cacheFolderOf(env);
  for (const file of keptFiles(folder)) {
    const kept = readLease(file);
    if (kept !== undefined && leaseIds.has(kept.leaseId)) forgetLease(file);
  }
}

function keptFiles(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => (name.endsWith('.lease') ? [join(folder, name)] : []));
  } catch {
    return [];
  }
}

/** Temporary credentials change, and the file's name with them. Without this the folder would grow without end. */
function forgetOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = /\.(?:lease|part)$/.test(name) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (stat !== undefined && Date.now() - stat.mtimeMs > FORGOTTEN_AFTER_MS) rmSync(path, { force: true });
  }
}
