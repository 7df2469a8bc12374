import { monotonicFactory } from 'ulid';
import { Agent, type Dispatcher } from 'undici';
import { dockerHub } from '../../functions/adapters/docker-hub.ts';
import { tokenMinter } from '../../functions/adapters/docker-hub-create.ts';
import type { Lease } from '../../functions/core/lease.ts';
import type { AdminPorts, AuditEvent, DockerHub, HubReply, MintPorts } from '../../functions/core/ports.ts';
import { revokeLease } from '../../functions/core/revoke.ts';
import type { DynamicSecret } from '../../functions/core/secret.ts';
import { sweep } from '../../functions/core/sweep.ts';
import { limitsOf } from '../../functions/limits.ts';
import { type FakeHub, type FakeHubOptions, startFakeHub } from '../../local/fake-hub/server.ts';
import { memoryCatalog, memoryCredentials, memoryLeases, memorySealer, memorySessions } from '../core/ports/stores.ts';
import { LABELS, ORIGIN } from '../core/world.ts';
import { VirtualTime } from '../crashes/virtual-time.ts';
import { type RequestKind, Requests } from './requests.ts';
import { Rule } from './rule.ts';

export type Ports = MintPorts & AdminPorts;

/** A Saturday, 15 hours before the end of its UTC day. */
export const START_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** By the machine's own clock, which may be slow: no request of these worlds is ever given up. */
const SOCKET_TIMEOUT_MS = 600_000;
const SWEEP_EVERY_MS = 5 * MINUTE_MS;
/** Once every lease has ended only its token could come back, and sweeps go on at this pace. */
const IDLE_SWEEP_EVERY_MS = 30 * MINUTE_MS;
const USER_AGENT = 'hublease/0.0.0-test';
const MIN_TTL_SECONDS = 60;
const MAX_DUE = 1_000;

const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-fake' };
const TOTP_SECRET = 'JBSWY3DPEHPK3PXP';
export const ORGANIZATION = 'acme';
/** Of the fake's own lockout, which some variations need to be met. */
const LOGIN_FAILURE_LIMIT = 3;

export interface WorldOptions {
  readonly kind?: 'user' | 'org';
  readonly hasSecondFactor?: boolean;
  readonly hub?: Partial<FakeHubOptions>;
}

/**
 * hublease's own core and its own Docker Hub adapter against a fake Docker Hub over loopback, on virtual time: a queue, a job per
 * lease and a sweep every five minutes start revocations, as in both editions. Each write of a lease is checked against the rule.
 */
export class MatrixWorld {
  readonly time = new VirtualTime(START_MS);
  readonly requests = new Requests();
  readonly events: AuditEvent[] = [];
  readonly leases = memoryLeases(0, this.time.nowMs);
  readonly catalog = memoryCatalog();
  readonly sessions = memorySessions();
  readonly credentials = memoryCredentials();
  readonly hub: FakeHub;
  readonly rule: Rule;
  readonly credential: typeof ACCOUNT & { readonly totpSecret?: string };
  readonly kind: 'user' | 'org';
  /** What a trigger or sweep threw, with how often: a later one makes good for it, but none is expected to. */
  readonly errors = new Map<string, number>();
  readonly #dispatcher: Dispatcher = new Agent({ connections: 64 });
  readonly #adapter: DockerHub;
  readonly #minter: Ports['minter'];
  readonly #ulid = monotonicFactory(() => 0.5);
  readonly #sealer = memorySealer();
  #ops = 0;
  #isOpen = true;

  private constructor(hub: FakeHub, options: WorldOptions, time: VirtualTime) {
    this.time = time;
    this.leases = memoryLeases(0, time.nowMs);
    this.hub = hub;
    this.kind = options.kind ?? 'user';
    this.credential = options.hasSecondFactor === true ? { ...ACCOUNT, totpSecret: TOTP_SECRET } : ACCOUNT;
    const hubOptions = {
      origin: hub.url,
      timeoutMs: SOCKET_TIMEOUT_MS,
      userAgent: USER_AGENT,
      nowMs: time.nowMs,
      dispatcher: this.#dispatcher,
    };
    this.#adapter = dockerHub(hubOptions);
    this.#minter = tokenMinter(hubOptions);
    this.rule = new Rule(hub.control, (leaseId) => this.leases.rows.get(leaseId), time.nowMs);
  }

  static async open(options: WorldOptions = {}): Promise<MatrixWorld> {
    const time = new VirtualTime(START_MS);
    const account = options.hasSecondFactor === true ? { ...ACCOUNT, totpSecret: TOTP_SECRET } : ACCOUNT;
    const hub = await startFakeHub({
      accounts: [account],
      organizations: [{ name: ORGANIZATION, owners: [ACCOUNT.username], repositories: ['site'] }],
      loginFailureLimit: LOGIN_FAILURE_LIMIT,
      nowMs: time.nowMs,
      sleep: (ms) => time.sleepHeld(ms),
      ...options.hub,
    });
    return new MatrixWorld(hub, options, time);
  }

  /** The account that holds the tokens. */
  get place() {
    return this.kind === 'org'
      ? ({ kind: 'oat', account: ORGANIZATION } as const)
      : ({ kind: 'pat', account: ACCOUNT.username } as const);
  }

  get openLeases(): readonly Lease[] {
    return this.leases.rows.all().filter(({ status }) => status !== 'revoked');
  }

  /** Puts a secret there that gives leases from 1 min to 2 h. */
  addSecret(change: Partial<DynamicSecret> = {}): void {
    const reach =
      this.kind === 'org'
        ? { resources: [{ type: 'TYPE_REPO', path: `${ORGANIZATION}/site`, scopes: ['scope-image-pull'] } as const] }
        : { scope: 'repo:read' as const };
    this.catalog.secrets.set('ci/release', {
      schema: 1,
      name: 'ci/release',
      version: 1,
      opId: 'op-secret',
      target: 'acme-bot',
      ...reach,
      defaultTtlSeconds: 3_600,
      maxTtlSeconds: 7_200,
      renewable: false,
      allow: [ORIGIN.caller.arn],
      tags: {},
      deleteProtection: false,
      status: 'ready',
      managedBy: 'api',
      createdAtMs: START_MS,
      updatedAtMs: START_MS,
      ...change,
    });
  }

  /** Lets time pass until `work` has ended. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.time.passUntilDone(work);
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.run(this.time.sleep(ms));
    this.rule.check();
  }

  /** The ports of one who sends requests under this name. */
  portsOf(who: string): Ports {
    const watched = <T>(kind: RequestKind, call: Promise<HubReply<T>>) => this.#watched(who, kind, call);
    const hub = this.#adapter;
    const { port } = this.leases;
    return {
      leases: {
        ...port,
        create: (...args) => port.create(...args).finally(() => this.rule.check()),
        update: (...args) => port.update(...args).finally(() => this.rule.check()),
      },
      catalog: this.catalog.port,
      credentials: this.credentials.port,
      sessions: this.sessions.port,
      sealer: this.#sealer.port,
      hub: {
        login: (...args) => watched('login', hub.login(...args)),
        listTokens: (...args) => watched('listTokens', hub.listTokens(...args)),
        getToken: (...args) => watched('getToken', hub.getToken(...args)),
        deleteToken: (...args) => watched('deleteToken', hub.deleteToken(...args)),
        readDate: () => watched('readDate', hub.readDate()),
      },
      minter: { createToken: (...args) => watched('createToken', this.#minter.createToken(...args)) },
      tokenSealer: { seal: () => Promise.reject(new Error('no secret here has a protection key')) },
      backstop: { arm: async (leaseId, atMs) => this.#revokeAt(leaseId, atMs) },
      queue: { send: async (leaseId, delayMs) => this.#revokeAt(leaseId, this.time.nowMs() + delayMs) },
      audit: {
        record: async (event) => {
          this.events.push(event);
        },
      },
      clock: this.time,
      ids: { leaseId: (nowMs) => this.#ulid(nowMs), opId: () => `op-${++this.#ops}` },
      labels: LABELS,
      limits: limitsOf(MIN_TTL_SECONDS),
    };
  }

  /** Sweeps from now on. */
  startSweeps(): void {
    const again = () => {
      if (!this.#isOpen) return;
      void this.#sweepOnce().then(() => {
        const isIdle = this.openLeases.length === 0 && this.time.nowMs() > START_MS + 4 * HOUR_MS;
        this.time.after(isIdle ? IDLE_SWEEP_EVERY_MS : SWEEP_EVERY_MS, again);
      });
    };
    again();
  }

  /** Asks `auth.docker.io` whether it takes a token. */
  async logsIn(token: string): Promise<boolean> {
    const authorization = `Basic ${Buffer.from(`${this.place.account}:${token}`).toString('base64')}`;
    const asked = this.#dispatcher.request({
      origin: this.hub.url,
      path: '/token?service=registry.docker.io',
      method: 'GET',
      headers: { authorization },
    });
    const { statusCode, body } = await this.time.hold(asked.then(async (answer) => (await answer.body.dump(), answer)));
    body.destroy();
    return statusCode === 200;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#dispatcher.destroy();
    await this.hub.close();
  }

  async #sweepOnce(): Promise<void> {
    const bounds = { untilMs: this.time.nowMs() + SWEEP_EVERY_MS, mostDue: MAX_DUE };
    await sweep(this.portsOf('sweep'), bounds).catch((error: unknown) => this.#noteError('sweep', error));
    this.rule.check();
  }

  #revokeAt(leaseId: string, atMs: number): void {
    this.time.after(atMs - this.time.nowMs(), () => {
      if (!this.#isOpen) return;
      const order = { trigger: 'due', reason: 'expired' } as const;
      revokeLease(this.portsOf(leaseId), leaseId, order).catch((error: unknown) => this.#noteError('revoke', error));
    });
  }

  #noteError(step: string, error: unknown): void {
    const key = `${step}: ${String(error)}`;
    this.errors.set(key, (this.errors.get(key) ?? 0) + 1);
  }

  async #watched<T>(who: string, kind: RequestKind, call: Promise<HubReply<T>>): Promise<HubReply<T>> {
    const atMs = this.time.nowMs();
    const reply = await this.time.hold(call);
    this.requests.note({ atMs, who, kind, outcome: reply.ok ? 'ok' : reply.problem.tag });
    return reply;
  }
}
