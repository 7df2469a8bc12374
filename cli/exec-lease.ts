import type { Client } from '../client/client.ts';
import type { AnswerOf } from '../functions/wire/operations.ts';
import { warnOfClip } from './clipped-warning.ts';
import type { Io } from './io.ts';
import { type MintFlags, mintBody, openPassword } from './minting.ts';
import type { PrivateConfig } from './private-config.ts';

type Lease = AnswerOf<'mintLease'>['body']['lease'];

/** A lease is renewed after this share of its life. */
const RENEW_SHARE = 0.75;
/** A failed renewal is retried after this share of the lease's life, but at the latest after this time. */
const RETRY_SHARE = 0.05;
const RETRY_MAX_MS = 10_000;

/** The token of one `hublease exec`. A long command may need several leases. */
export class ExecLease {
  readonly #api: Client;
  readonly #config: PrivateConfig;
  readonly #secret: string;
  readonly #order: MintFlags;
  readonly #io: Io;
  readonly #leases: Lease[] = [];
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> = Promise.resolve();
  #ended = false;
  #fakeHub: true | undefined;

  constructor(api: Client, config: PrivateConfig, secret: string, order: MintFlags, io: Io) {
    this.#api = api;
    this.#config = config;
    this.#secret = secret;
    this.#order = order;
    this.#io = io;
  }

  /** Id of the current lease. */
  get id(): string {
    return this.#leases.at(-1)?.id ?? '';
  }

  /** From the mint's answer: true if docker.io will refuse the token. */
  get fakeHub(): true | undefined {
    return this.#fakeHub;
  }

  /** Leases, and puts the token into the private configuration. @throws as the client does, and CommandFailed for sealed ones. */
  async take(): Promise<void> {
    const { body } = await this.#api.call('mintLease', { name: this.#secret, body: mintBody(this.#order) });
    this.#leases.push(body.lease);
    this.#fakeHub = body.credential.fakeHub;
    // Later leases are shortened too. The first warning is enough.
    if (this.#leases.length === 1) warnOfClip(this.#io, body.lease);
    const { username, password } = openPassword(body);
    this.#config.login(username, password);
  }

  /** Extends a renewable lease. If that is impossible, a new lease replaces it. */
  keepAlive(): void {
    const lease = this.#leases.at(-1) as Lease;
    this.#renewAfter(lifeMsOf(lease) * RENEW_SHARE, lease, lease.renewable);
  }

  /** Revokes every lease of the run. A lease that cannot be revoked now ends by itself. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    // A lease that is being made must be revoked too.
    await this.#renewal;
    this.#config.remove();
    const revocations = this.#leases.map(async ({ id }) => {
      await this.#api.call('revokeLease', { name: id }).catch(() => {
        this.#io.err(`hublease: lease ${id} could not be revoked now. It ends by itself\n`);
      });
    });
    await Promise.all(revocations);
  }

  #renewAfter(waitMs: number, lease: Lease, extend: boolean): void {
    if (this.#ended) return;
    this.#timer = setTimeout(() => {
      this.#renewal = this.#renew(lease, extend);
    }, waitMs);
    this.#timer.unref();
  }

  async #renew(lease: Lease, extend: boolean): Promise<void> {
    try {
      if (extend && (await this.#extend(lease))) return;
      await this.take();
      this.keepAlive();
    } catch {
      this.#io.err('hublease: the token could not be renewed yet. Trying again\n');
      this.#renewAfter(Math.min(RETRY_MAX_MS, lifeMsOf(lease) * RETRY_SHARE), lease, false);
    }
  }

  /** @returns false when the lease has reached its latest end. */
  async #extend(lease: Lease): Promise<boolean> {
    const { ttl } = this.#order;
    const { clipped } = (await this.#api.call('renewLease', { name: lease.id, body: ttl ? { ttl } : {} })).body;
    if (!clipped) this.#renewAfter(lifeMsOf(lease) * RENEW_SHARE, lease, true);
    return !clipped;
  }
}

function lifeMsOf(lease: Lease): number {
  return Date.parse(lease.expiresAt) - Date.parse(lease.issuedAt);
}
