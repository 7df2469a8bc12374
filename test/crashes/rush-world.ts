import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { Agent, type Dispatcher } from 'undici';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import { tokenMinter } from '../../functions/adapters/docker-hub/create.ts';
import { dockerHub } from '../../functions/adapters/docker-hub/docker-hub.ts';
import { admin } from '../../functions/admin.ts';
import { broker } from '../../functions/broker.ts';
import type { AuditEventName } from '../../functions/core/model/audit-event.ts';
import type { DockerHub, HubReply } from '../../functions/core/ports/docker-hub.ts';
import type { AdminPorts, MintPorts } from '../../functions/core/ports/needs.ts';
import type { HttpHandler } from '../../functions/http.ts';
import type { Log } from '../../functions/log.ts';
import type { Scheduler } from '../../local/clockwork/scheduler.ts';
import { embeddedPorts } from '../../local/embedded-ports.ts';
import { type Data, openData } from '../../local/sqlite/data.ts';
import { proxyEvent, type Sent } from '../functions/proxy-event.ts';
import { VirtualTime } from './virtual-time.ts';

const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-fake' };
const CI_ROLE = 'arn:aws:iam::111122223333:role/ci';
/** Another role that may lease from the same secret. */
export const OTHER_SESSION = 'arn:aws:sts::111122223333:assumed-role/other/loop-1';
const OTHER_ROLE = 'arn:aws:iam::111122223333:role/other';
const CI_SESSION = 'arn:aws:sts::111122223333:assumed-role/ci/build-7';
const ADMIN_SESSION = 'arn:aws:sts::000000000000:assumed-role/admin/somebody';
/** The start of a minute, by which Docker Hub counts. */
const START_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
/** By the machine's own clock, which may be slow: no request of this world is ever given up. */
const HUB_TIMEOUT_MS = 600_000;
/** What a request takes, so that several are under way at once as in life. */
const HUB_LATENCY_MS = 200;

/** What starts revocations: an edition's clockwork. */
export interface Triggers extends Pick<Scheduler, 'backstop' | 'queue'>, Pick<MintPorts, 'timer'> {
  start(ports: MintPorts & AdminPorts, data: Data): void;
  stop(): Promise<void>;
}

/** How many requests of one kind were sent to Docker Hub, and how many of them it refused with 429. */
export interface Requests {
  sent: number;
  refused: number;
}

export type RequestKind = keyof DockerHub | 'createToken';

interface Running {
  readonly ports: MintPorts & AdminPorts;
  readonly broker: HttpHandler;
  readonly admin: HttpHandler;
  stop(): Promise<void>;
}

/**
 * The embedded edition's own parts in this process, on virtual time: its SQLite data, handlers, clockwork and adapters, which
 * speak over loopback to a fake Docker Hub that never ends a token by itself.
 */
export class RushWorld {
  readonly time = new VirtualTime(START_MS);
  readonly requests = new Map<RequestKind, Requests>();
  readonly events = new Map<AuditEventName, number>();
  /** Steps and codes of what the operator's log calls an error, with how often. */
  readonly errors = new Map<string, number>();
  /** Requests to Docker Hub that were under way at once, at most. */
  mostCalls = 0;
  #calls = 0;
  readonly #makeTriggers: (time: VirtualTime, log: Log) => Triggers;
  readonly #folder = mkdtempSync(join(tmpdir(), 'hublease-rush-'));
  readonly #dispatcher: Dispatcher = new Agent({ connections: 64 });
  #hub: FakeHub | undefined;
  #running: Running | undefined;

  constructor(makeTriggers: (time: VirtualTime, log: Log) => Triggers) {
    this.#makeTriggers = makeTriggers;
  }

  get hub(): FakeHub {
    if (this.#hub === undefined) throw new Error('not open yet');
    return this.#hub;
  }

  get running(): Running {
    if (this.#running === undefined) throw new Error('not running');
    return this.#running;
  }

  /** Starts the fake, and makes a target and a secret whose renewable leases outlive any rush by Docker Hub's own expiry. */
  async open(): Promise<void> {
    this.#hub = await startFakeHub({
      accounts: [ACCOUNT],
      expireTokens: false,
      nowMs: this.time.nowMs,
      sleep: (ms) => this.time.sleepHeld(ms),
    });
    this.#run(false);
    const target = { kind: 'user', credential: ACCOUNT };
    await this.#put('/v1/admin/targets/acme-bot', target, { verify: ['false'] });
    await this.#put('/v1/admin/secrets/ci/release', {
      target: 'acme-bot',
      scope: 'repo:read',
      defaultTtl: '1h',
      maxTtl: '1d',
      renewable: true,
      allow: [CI_ROLE, OTHER_ROLE],
    });
  }

  /** From now on Docker Hub's answers take their time, and it takes so many requests a minute. */
  limit(requestsPerMinute: number): void {
    this.hub.control.setFaults([{ route: '*', kind: 'latency', latencyMs: HUB_LATENCY_MS }]);
    this.hub.control.set({ rateLimitPerMinute: requestsPerMinute });
  }

  async close(): Promise<void> {
    if (this.#running !== undefined) await this.time.passUntilDone(this.#running.stop());
    await this.#dispatcher.destroy();
    await this.#hub?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Ends all of the edition's parts, and makes them anew on the same data. */
  async restart(): Promise<void> {
    await this.time.passUntilDone(this.running.stop());
    this.#run(true);
  }

  /** Orders one lease, as a caller's request that API Gateway lets through. */
  order(ttl: string, userArn = CI_SESSION): Promise<APIGatewayProxyResult> {
    return this.call('POST', '/v1/lease/ci/release', { userArn, body: JSON.stringify({ ttl }) });
  }

  /** Any request of a caller that API Gateway lets through. */
  call(
    method: string,
    path: string,
    sent: Pick<Sent, 'query' | 'body' | 'userArn'> = {},
  ): Promise<APIGatewayProxyResult> {
    return this.running.broker(proxyEvent({ method, path, userArn: CI_SESSION, ...sent }));
  }

  async #put(path: string, body: unknown, query: Record<string, string[]> = {}): Promise<void> {
    const event = proxyEvent({ method: 'PUT', path, query, userArn: ADMIN_SESSION, body: JSON.stringify(body) });
    const { statusCode, body: answer } = await this.time.passUntilDone(this.running.admin(event));
    if (statusCode >= 300) throw new Error(`${path}: ${statusCode} ${answer}`);
  }

  #run(withTriggers: boolean): void {
    const { time } = this;
    const data = openData(this.#folder);
    const log = this.#log();
    const triggers = this.#makeTriggers(time, log);
    const wired = embeddedPorts({
      settings: { dataFolder: this.#folder, minTtlSeconds: 60 },
      data,
      time,
      clockwork: triggers,
      hubOrigin: this.hub.url,
      dispatcher: this.#dispatcher,
      log,
    });
    const hubOptions = {
      origin: this.hub.url,
      timeoutMs: HUB_TIMEOUT_MS,
      userAgent: 'hublease/0.0.0-test',
      nowMs: time.nowMs,
      dispatcher: this.#dispatcher,
    };
    const minter = tokenMinter(hubOptions);
    const ports: MintPorts & AdminPorts = {
      ...wired,
      leases: this.#held(wired.leases),
      ...(triggers.timer !== undefined && { timer: triggers.timer }),
      hub: this.#watchedHub(dockerHub(hubOptions)),
      minter: { createToken: (...args) => this.#watched('createToken', minter.createToken(...args)) },
      audit: {
        record: (event) => {
          this.events.set(event.event, (this.events.get(event.event) ?? 0) + 1);
          return wired.audit.record(event);
        },
      },
    };
    if (withTriggers) triggers.start(ports, data);
    this.#running = {
      ports,
      broker: broker(ports, log),
      admin: admin(ports, log),
      stop: async () => {
        await triggers.stop();
        data.close();
        this.#running = undefined;
      },
    };
  }

  /** A port whose every call keeps time from passing. */
  #held<P extends object>(port: P): P {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.time.hold(Reflect.apply(member, target, args));
      },
    });
  }

  #log(): Log {
    return {
      info() {},
      error: (event, { route = '', code = '' }) => {
        const what = `${event} ${route} ${code}`;
        this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
      },
    };
  }

  #watchedHub(hub: DockerHub): DockerHub {
    return {
      login: (...args) => this.#watched('login', hub.login(...args)),
      listTokens: (...args) => this.#watched('listTokens', hub.listTokens(...args)),
      getToken: (...args) => this.#watched('getToken', hub.getToken(...args)),
      deleteToken: (...args) => this.#watched('deleteToken', hub.deleteToken(...args)),
      readDate: () => this.#watched('readDate', hub.readDate()),
    };
  }

  async #watched<T>(kind: RequestKind, call: Promise<HubReply<T>>): Promise<HubReply<T>> {
    this.#calls += 1;
    this.mostCalls = Math.max(this.mostCalls, this.#calls);
    const reply = await this.time.hold(call);
    this.#calls -= 1;
    const count = this.requests.get(kind) ?? { sent: 0, refused: 0 };
    this.requests.set(kind, count);
    count.sent += 1;
    if (!reply.ok && reply.problem.tag === 'throttled') count.refused += 1;
    return reply;
  }
}
