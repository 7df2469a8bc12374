import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, uptime } from 'node:os';
import { join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** A new lease is taken once this much of the old one's life is over, so that what is handed out has some left. */
const FRESH_SHARE = 0.75;
/** What is handed out when a new lease cannot be had must still live for this long. */
const USABLE_MS = 30_000;

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
  const identity = ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_ROLE_ARN', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  const parts = [place.endpoint, place.secret, place.ttl ?? '', ...identity.map((name) => env[name] ?? '')];
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
  // Set back to before the issue, the wall clock says nothing, and a lease of unknown age is as good as none.
  if (wall < 0) return Number.POSITIVE_INFINITY;
  return Math.max(wall, now.uptimeMs - lease.uptimeMs);
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

/** Keeps a lease: encrypted, whole or not at all, for this user alone. */
export function writeLease(file: string, env: Env, lease: CachedLease): void {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', openKey(cacheFolderOf(env)), nonce);
  cipher.setAAD(Buffer.from(file));
  const text = Buffer.concat([cipher.update(JSON.stringify(lease), 'utf8'), cipher.final()]);
  const part = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(part, Buffer.concat([nonce, cipher.getAuthTag(), text]), { mode: 0o600 });
  renameSync(part, file);
}

export function forgetLease(file: string): void {
  rmSync(file, { force: true });
}

/** Makes the folder and the key when they are missing; of two at once, one key wins. */
function openKey(folder: string): Buffer {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const path = join(folder, 'key');
  const part = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    return readFileSync(path);
  } catch {
    writeFileSync(part, randomBytes(32), { mode: 0o600 });
  }
  try {
    linkSync(part, path);
  } catch {
    // Somebody else's is there.
  }
  rmSync(part, { force: true });
  return readFileSync(path);
}
