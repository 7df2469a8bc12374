/** Passwords, second factors and the lockout of the fake's user names. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { FakeAccount } from '../options.ts';
import type { Persistence } from '../persistence.ts';

/** How long a user name stays locked out; 10 to 15 minutes were seen at Docker. */
export const LOCKOUT_MS = 10 * 60_000;

const TOTP_PERIOD_SECONDS = 30;

/** Steps before and after the present one whose codes are taken, as is usual for clocks that differ a little (RFC 6238, 5.2). */
const TOTP_WINDOW_STEPS = 1;

/** What is remembered of one user or organization name. */
interface LoginRecord {
  readonly failures: number;
  readonly lockedUntilMs: number;
  /** The last step whose code was taken; it and those before are refused from then on. */
  readonly totpStep: number;
}

export interface LoginCount {
  readonly succeeded: number;
  readonly failed: number;
}

const FRESH: LoginRecord = { failures: 0, lockedUntilMs: 0, totpStep: -1 };

/** Failures with names that the fake does not know are counted together, so that hostile names take no memory. */
const UNKNOWN_NAME = '(unknown)';

export class Logins {
  readonly #persistence: Persistence;
  readonly #failureLimit: number;
  readonly #accounts = new Map<string, FakeAccount>();
  readonly #knownNames: ReadonlySet<string>;
  readonly #records = new Map<string, LoginRecord>();
  readonly #counts = new Map<string, LoginCount>();
  #right = 0;

  constructor(
    persistence: Persistence,
    accounts: readonly FakeAccount[],
    organizations: readonly string[],
    failureLimit: number,
  ) {
    this.#persistence = persistence;
    this.#failureLimit = failureLimit;
    for (const account of accounts) this.#accounts.set(account.username.toLowerCase(), account);
    this.#knownNames = new Set([...this.#accounts.keys(), ...organizations]);
    for (const { key, value } of persistence.rows()) {
      if (key.startsWith('login:')) this.#records.set(key.slice('login:'.length), value as LoginRecord);
    }
  }

  account(username: string): FakeAccount | undefined {
    return this.#accounts.get(username);
  }

  /** Whether the password is the account's. Compares in constant time, and also for unknown names. */
  passwordMatches(username: string, password: string): boolean {
    const account = this.#accounts.get(username);
    const same = timingSafeEqual(digest(account?.password ?? ''), digest(password));
    return same && account !== undefined;
  }

  setPassword(username: string, password: string): boolean {
    const account = this.#accounts.get(username);
    if (account !== undefined) this.#accounts.set(username, { ...account, password });
    return account !== undefined;
  }

  isLocked(name: string, nowMs: number): boolean {
    return (this.#records.get(name)?.lockedUntilMs ?? 0) > nowMs;
  }

  /** Counts one failure; the one that reaches the limit locks the name. */
  failed(name: string, nowMs: number): void {
    this.#count(name, 'failed');
    if (!this.#knownNames.has(name)) return;
    const record = this.#records.get(name) ?? FRESH;
    const failures = record.failures + 1;
    const locks = failures >= this.#failureLimit;
    this.#write(name, {
      ...record,
      failures: locks ? 0 : failures,
      lockedUntilMs: locks ? nowMs + LOCKOUT_MS : record.lockedUntilMs,
    });
  }

  succeeded(name: string): void {
    this.#count(name, 'succeeded');
    const record = this.#records.get(name);
    if (record !== undefined && record.failures > 0) this.#write(name, { ...record, failures: 0 });
  }

  /** Takes a code once: the same one, or an earlier one, is refused afterwards (RFC 6238, 5.2). */
  takeCode(username: string, code: string, nowMs: number): boolean {
    const totpSecret = this.#accounts.get(username)?.totpSecret;
    if (totpSecret === undefined || !/^\d{6}$/.test(code)) return false;
    const delta = TOTP.validate({
      secret: Secret.fromBase32(totpSecret),
      token: code,
      period: TOTP_PERIOD_SECONDS,
      window: TOTP_WINDOW_STEPS,
      timestamp: nowMs,
    });
    if (delta === null) return false;
    const totpStep = Math.floor(nowMs / 1_000 / TOTP_PERIOD_SECONDS) + delta;
    const record = this.#records.get(username) ?? FRESH;
    if (totpStep <= record.totpStep) return false;
    this.#write(username, { ...record, totpStep });
    return true;
  }

  /** Counts a login with the right credential, of any user, and returns its number, counted from 1. */
  countRight(): number {
    this.#right += 1;
    return this.#right;
  }

  counts(): Record<string, LoginCount> {
    return Object.fromEntries(this.#counts);
  }

  reset(): void {
    for (const name of this.#records.keys()) this.#persistence.remove(`login:${name}`);
    this.#records.clear();
    this.#counts.clear();
    this.#right = 0;
  }

  #count(name: string, what: keyof LoginCount): void {
    const key = this.#knownNames.has(name) ? name : UNKNOWN_NAME;
    const count = this.#counts.get(key) ?? { succeeded: 0, failed: 0 };
    this.#counts.set(key, { ...count, [what]: count[what] + 1 });
  }

  #write(name: string, record: LoginRecord): void {
    this.#persistence.put(`login:${name}`, record);
    this.#records.set(name, record);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
