import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, uptime } from 'node:os';
import { join } from 'node:path';

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
const KEY_BYTES = 32;
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

/** Reads a kept lease; undefined when there is none, or it cannot be read for any reason. */
export function readLease(file: string, env: Env): CachedLease | undefined {
  try {
    const sealed = readFileSync(file);
    const key = readFileSync(join(cacheFolderOf(env), 'key'));
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(sealed.subarray(12, 28));
    decipher.setAAD(Buffer.from(file));
    const text = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
    return JSON.parse(text) as CachedLease;
  } catch {
    return undefined;
  }
}

/** Keeps a lease: encrypted, whole or not at all, for this user alone. @throws the system's error when it cannot. */
export function writeLease(file: string, env: Env, lease: CachedLease): void {
  const folder = cacheFolderOf(env);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', openKey(folder), nonce);
  cipher.setAAD(Buffer.from(file));
  const text = Buffer.concat([cipher.update(JSON.stringify(lease), 'utf8'), cipher.final()]);
  const part = partOf(file);
  writeFileSync(part, Buffer.concat([nonce, cipher.getAuthTag(), text]), { mode: 0o600 });
  renameSync(part, file);
  forgetOld(folder);
}

export function forgetLease(file: string): void {
  rmSync(file, { force: true });
}

/** Forgets leases that were revoked, in whatever file they are kept: their tokens must not be handed out any more. */
export function forgetRevoked(env: Env, leaseIds: ReadonlySet<string>): void {
  const folder = cacheFolderOf(env);
  for (const file of keptFiles(folder)) {
    const kept = readLease(file, env);
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

/** Makes the key when it is missing or damaged; of two at once, one key wins. */
function openKey(folder: string): Buffer {
  const path = join(folder, 'key');
  const there = readKey(path);
  if (there?.length === KEY_BYTES) return there;
  // What it had locked is lost already.
  if (there !== undefined) rmSync(path, { force: true });
  const part = partOf(path);
  writeFileSync(part, randomBytes(KEY_BYTES), { mode: 0o600 });
  try {
    linkSync(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(part, { force: true });
  }
  return readFileSync(path);
}

function readKey(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function partOf(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString('hex')}.part`;
}

/** Temporary credentials change, and with each of them the file's name: without this the folder would grow for ever. */
function forgetOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = /\.(?:lease|part)$/.test(name) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (stat !== undefined && Date.now() - stat.mtimeMs > FORGOTTEN_AFTER_MS) rmSync(path, { force: true });
  }
}
