import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, uptime } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { openPrivateFolder, readPrivateFile } from './private-files.ts';

/**
 * Leases are kept in plain text, in files that only this user can read (0600, in a folder 0700). Nothing else protects them: a key
 * beside them would open to everybody who can read them. See docs/decisions/17-cache-by-file-modes.md.
 */

type Env = Readonly<Record<string, string | undefined>>;

/** A new lease is taken once this much of the old one's life is over, so that what is handed out has some left. */
const FRESH_SHARE = 0.75;
/** What is handed out when a new lease cannot be had must still live for this long. */
const USABLE_MS = 30_000;

/** What the AWS SDK's chain goes by to choose who we are. */
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
/** Files of leases that no lease can still be in, by their age, are removed. The longest TTL is a matter of days. */
const FORGOTTEN_AFTER_MS = 7 * 86_400_000;

/** A lease that was handed out, as it is kept for the next call. */
export interface CachedLease {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
  readonly ttlMs: number;
  /** Two clocks at its issue: the wall's, and the machine's since its start, which nobody sets. */
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

/** Where leases are kept, for this user alone. */
export function cacheFolderOf(env: Env): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'hublease');
}

/**
 * One file per place, secret and identity. The identity is known only by what chooses it, for asking AWS who we are would cost
 * more than the lease.
 */
export function cacheFileOf(env: Env, place: { endpoint: string; secret: string; ttl?: string }): string {
  const parts = [place.endpoint, place.secret, place.ttl ?? '', ...IDENTITY.map((name) => env[name] ?? '')];
  const name = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
  return join(cacheFolderOf(env), `${name}.lease`);
}

/** Whether a lease may be handed out without looking for a newer one. */
export function isFresh(lease: CachedLease, now: Clocks): boolean {
  return ageMs(lease, now) < lease.ttlMs * FRESH_SHARE;
}

/** Whether a lease may be handed out when no newer one can be had. */
export function isUsable(lease: CachedLease, now: Clocks): boolean {
  return ageMs(lease, now) < lease.ttlMs - USABLE_MS;
}

/** The older of what the two clocks say: one may have been set, the other begins anew with the machine. */
function ageMs(lease: CachedLease, now: Clocks): number {
  const wall = now.wallMs - lease.wallMs;
  const uptime = now.uptimeMs - lease.uptimeMs;
  // Set back to before the issue, or started anew, a clock says nothing; a lease of unknown age is as good as none.
  if (wall < 0 || uptime < 0) return Number.POSITIVE_INFINITY;
  return Math.max(wall, uptime);
}

/** What a file holds: a lease, and the name of the file that it was kept in. */
interface Kept extends CachedLease {
  readonly file: string;
}

/**
 * Reads a kept lease.
 *
 * @returns undefined when there is none, when it cannot be read for any reason, when its file or folder is another user's or open to
 *   others, or when it was kept in another file.
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

/** Keeps a lease, whole or not at all, for this user alone. @throws CommandFailed or the system's error when it cannot. */
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

/** Forgets leases that were revoked, in whatever file they are kept: their tokens must not be handed out any more. */
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

/** Temporary credentials change, and with each of them the file's name: without this the folder would grow for ever. */
function forgetOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = /\.(?:lease|part)$/.test(name) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (stat !== undefined && Date.now() - stat.mtimeMs > FORGOTTEN_AFTER_MS) rmSync(path, { force: true });
  }
}
