import { monotonicFactory } from 'ulid';
import { Agent, type Dispatcher } from 'undici';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import { tokenMinter } from '../../functions/adapters/docker-hub/create.ts';
import { dockerHub } from '../../functions/adapters/docker-hub/docker-hub.ts';
import { revokeLease } from '../../functions/core/ending/revoke.ts';
import type { AuditEvent } from '../../functions/core/model/audit-event.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Credential } from '../../functions/core/model/target.ts';
import type { HubReply } from '../../functions/core/ports/docker-hub.ts';
import type { LeaseStore } from '../../functions/core/ports/leases.ts';
import type { AdminPorts, MintPorts } from '../../functions/core/ports/needs.ts';
import { sweep } from '../../functions/core/sweeping/sweep.ts';
import { limitsOf } from '../../functions/limits.ts';
import { memoryCatalog, memoryCredentials, memoryLeases, memorySealer, memorySessions } from '../core/ports/stores.ts';
import { LABELS } from '../core/world.ts';
import { VirtualTime } from '../crashes/virtual-time.ts';
import { Exchanges } from './exchanges.ts';
import { type RequestKind, Requests, type Sender } from './requests.ts';
import { Rule } from './rule.ts';

export type Ports = MintPorts & AdminPorts;

/** The start of a minute and of an hour, 15 hours before the end of its UTC day. */
export const START_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** By the machine's own clock, which may be slow: no request of these worlds is ever given up. */
const SOCKET_TIMEOUT_MS = 600_000;
const SWEEP_EVERY_MS = 5 * MINUTE_MS;
/** After the first hours what is still open waits for one far moment, and sweeps go on at a slower pace to save the tests' time. */
const LATE_SWEEP_EVERY_MS = HOUR_MS;
const LATE_MS = START_MS + 5 * HOUR_MS;
const MAX_DUE = 1_000;
const MIN_TTL_SECONDS = 60;

const USERNAME = 'acme-bot';
const PASSWORD = 'password-of-the-fake';
const TOTP_SECRET = 'JBSWY3DPEHPK3PXP';
const ORGANIZATION = 'acme';
/** Failed logins that lock the user name. */
export const LOGIN_FAILURE_LIMIT = 3;

export interface WorldOptions {
  /** `organization`: the tokens are those of an organization. */
  readonly needs?: 'organization' | 'second-factor';
}

/**
 * hublease's own core and its own Docker Hub adapter against a fake Docker Hub over loopback, on virtual time. A queue, a job per
 * lease and a sweep every five minutes start revocations, as in both editions. Every write of a lease is checked against the rule.
 */
export class MatrixWorld {
  readonly time: VirtualTime;
  readonly hub: FakeHub;
  readonly leases;
  readonly rule: Rule;
  readonly exchanges: Exchanges;
  readonly requests = new Requests();
  readonly events: AuditEvent[] = [];
  readonly catalog = memoryCatalog();
  readonly sessions = memorySessions();
  readonly credentials = memoryCredentials();
  /** The account that holds the tokens. */
  readonly place: { readonly kind: 'pat' | 'oat'; readonly account: string };
  /** The owner's own. */
  readonly ownCredential: Credential;
  /** What the target is put with. */
  credential: Credential;
  /** What triggers and sweeps threw. */
  readonly errors: string[] = [];
  readonly #dispatcher: Dispatcher = new Agent({ connections: 64 });
  readonly #portsOf: (who: string) => Ports;
  #isOpen = true;

  private constructor(time: VirtualTime, hub: FakeHub, credential: Credential, { needs }: WorldOptions) {
    this.time = time;
    this.hub = hub;
    this.ownCredential = credential;
    this.credential = credential;
    this.place = needs === 'organization' ? { kind: 'oat', account: ORGANIZATION } : { kind: 'pat', account: USERNAME };
    this.leases = memoryLeases(0, time.nowMs);
    this.rule = new Rule({
      control: hub.control,
      leaseOf: (leaseId) => this.leases.rows.get(leaseId),
      nowMs: time.nowMs,
    });
    this.exchanges = new Exchanges(this, this.#dispatcher);
    this.#portsOf = this.#makePorts();
  }

  static async open(options: WorldOptions = {}): Promise<MatrixWorld> {
    const time = new VirtualTime(START_MS);
    const credential = {
      username: USERNAME,
      password: PASSWORD,
      ...(options.needs === 'second-factor' && { totpSecret: TOTP_SECRET }),
    };
    const hub = await startFakeHub({
      accounts: [credential],
      organizations: [{ name: ORGANIZATION, owners: [USERNAME], repositories: ['site'] }],
      loginFailureLimit: LOGIN_FAILURE_LIMIT,
      nowMs: time.nowMs,
      sleep: (ms) => time.sleepHeld(ms),
    });
    return new MatrixWorld(time, hub, credential, options);
  }

  get openLeases(): readonly Lease[] {
    return this.leases.rows.all().filter(({ status }) => status !== 'revoked');
  }

  /** The ports of one that sends its requests under this name. */
  portsOf(who: Sender | (string & {})): Ports {
    return this.#portsOf(who);
  }

  /** Lets time pass until `work` has ended. */
  async run<T>(work: Promise<T>): Promise<T> {
    const value = await this.time.passUntilDone(work);
    this.rule.check();
    return value;
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return this.run(this.time.sleep(ms));
  }

  /** Sweeps now, and from now on. */
  startSweeps(): void {
    const again = async () => {
      if (!this.#isOpen) return;
      await this.#sweepOnce();
      const isLate = this.time.nowMs() > LATE_MS;
      this.time.after(isLate ? LATE_SWEEP_EVERY_MS : SWEEP_EVERY_MS, () => void again());
    };
    void again();
  }

  /** Revokes a lease as its caller asks. */
  async revoke(leaseId: string): Promise<void> {
    await this.run(revokeLease(this.portsOf(leaseId), leaseId, { trigger: 'asked', reason: 'caller' }));
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#dispatcher.destroy();
    await this.hub.close();
  }

  async #sweepOnce(): Promise<void> {
    const bounds = { untilMs: this.time.nowMs() + SWEEP_EVERY_MS, mostDue: MAX_DUE };
    await sweep(this.portsOf('sweep'), bounds).catch((error: unknown) => this.errors.push(`sweep: ${error}`));
    this.rule.check();
    await this.exchanges.again();
  }

  #record(event: AuditEvent): 'stored' {
    this.events.push(event);
    return 'stored';
  }

  #revokeAt(leaseId: string, atMs: number): void {
    this.time.after(atMs - this.time.nowMs(), () => {
      if (!this.#isOpen) return;
      const order = { trigger: 'due', reason: 'expired' } as const;
      revokeLease(this.portsOf(leaseId), leaseId, order).catch((error: unknown) =>
        this.errors.push(`revocation: ${error}`),
      );
    });
  }

  #makePorts(): (who: string) => Ports {
    const { time, requests } = this;
    const options = {
      origin: this.hub.url,
      timeoutMs: SOCKET_TIMEOUT_MS,
      userAgent: 'hublease/0.0.0-test',
      nowMs: time.nowMs,
      dispatcher: this.#dispatcher,
    };
    const hub = dockerHub(options);
    const minter = tokenMinter(options);
    const ulid = monotonicFactory(() => 0.5);
    let ops = 0;
    const shared = {
      leases: this.#checked(this.leases.port),
      catalog: this.catalog.port,
      credentials: this.credentials.port,
      sessions: this.sessions.port,
      sealer: memorySealer().port,
      tokenSealer: { seal: () => Promise.reject(new Error('no secret here has a protection key')) },
      backstop: { arm: async (leaseId: string, atMs: number) => this.#revokeAt(leaseId, atMs) },
      queue: {
        send: async (leaseId: string, delayMs: number) => this.#revokeAt(leaseId, time.nowMs() + delayMs),
        sendAll: async (leaseIds: readonly string[]) => {
          for (const leaseId of leaseIds) this.#revokeAt(leaseId, time.nowMs());
        },
      },
      audit: { record: async (event: AuditEvent) => this.#record(event) },
      clock: time,
      ids: { leaseId: (nowMs: number) => ulid(nowMs), opId: () => `op-${++ops}` },
      labels: LABELS,
      limits: limitsOf(MIN_TTL_SECONDS),
    };
    return (who) => {
      const watched = async <T>(kind: RequestKind, call: Promise<HubReply<T>>) => {
        const atMs = time.nowMs();
        const reply = await time.hold(call);
        requests.note({ atMs, who, kind, outcome: reply.ok ? 'ok' : reply.problem.tag });
        return reply;
      };
      return {
        ...shared,
        hub: {
          login: (...args) => watched('login', hub.login(...args)),
          listTokens: (...args) => watched('listTokens', hub.listTokens(...args)),
          getToken: (...args) => watched('getToken', hub.getToken(...args)),
          deleteToken: (...args) => watched('deleteToken', hub.deleteToken(...args)),
          readDate: () => watched('readDate', hub.readDate()),
        },
        minter: { createToken: (...args) => watched('createToken', minter.createToken(...args)) },
      };
    };
  }

  /** The lease store, each write of which is checked against the rule. */
  #checked(leases: LeaseStore): LeaseStore {
    return {
      ...leases,
      create: (...args) => leases.create(...args).finally(() => this.rule.check()),
      update: (...args) => leases.update(...args).finally(() => this.rule.check()),
    };
  }
}
