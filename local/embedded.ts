import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { monotonicFactory } from 'ulid';
import type { Dispatcher } from 'undici';
import { dockerHub } from '../functions/adapters/docker-hub.ts';
import { tokenMinter } from '../functions/adapters/docker-hub-create.ts';
import { hubDispatcher } from '../functions/adapters/docker-hub-http.ts';
import { joseTokenSealer } from '../functions/adapters/token-sealer.ts';
import { admin } from '../functions/admin.ts';
import { broker } from '../functions/broker.ts';
import type { AdminPorts, Clock, MintPorts } from '../functions/core/ports.ts';
import { sweep } from '../functions/core/sweep.ts';
import { limitsOf } from '../functions/limits.ts';
import { jsonLines, type Log } from '../functions/log.ts';
import { matchRoute } from '../functions/wire/routes.ts';
import { VERSION } from '../functions/wire/version.ts';
import { auditFile } from './audit-file.ts';
import { writeCurlConfigs } from './curl-configs.ts';
import { type FakeHub, startFakeHub } from './fake-hub/server.ts';
import { startFrontDoor } from './front-door.ts';
import { credentialsFileOf, openProfiles } from './profiles.ts';
import { type Scheduler, scheduler } from './scheduler.ts';
import { DEMO_ACCOUNT, seedDemo } from './seed.ts';
import type { Settings } from './settings.ts';
import { type Data, openData } from './sqlite-data.ts';

/** A running embedded edition. */
export interface Embedded {
  /** With the stage: `http://127.0.0.1:8787/v1`. */
  readonly endpoint: string;
  /** Origin of the Docker Hub in use. */
  readonly hubOrigin: string;
  readonly credentialsFile: string;
  /** Takes no further request, finishes what is under way and lets go of the data folder. */
  stop(): Promise<void>;
}

/** A sweep that found more due leases than this leaves the rest to the next; the scheduler takes them up anyway. */
const SWEEP_MOST_DUE = 1_000;

/**
 * Starts hublease on this machine: the same handlers as on AWS behind a front door that plays API Gateway and IAM, over SQLite,
 * with an in-process scheduler. Without `hubOrigin` it brings a fake Docker Hub and something to lease from it.
 *
 * @throws CannotOpenData, CredentialsFileError, or the system's error when a port or folder cannot be used. Nothing is left
 *   running then.
 */
export async function startEmbedded(
  settings: Settings,
  errorStream: { write(line: string): unknown },
): Promise<Embedded> {
  const clock: Clock = { nowMs: Date.now, sleep: (ms) => wait(ms) };
  const log = jsonLines(errorStream, clock, settings.logLevel);
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const data = openData(settings.dataFolder);
    undo.push(() => data.close());
    const profiles = await openProfiles(settings.dataFolder);
    writeCurlConfigs(settings.dataFolder, profiles);
    const fake = settings.hubOrigin === undefined ? await startFake(settings.dataFolder) : undefined;
    undo.push(() => fake?.close());
    const hubOrigin = fake?.url ?? (settings.hubOrigin as string);
    const dispatcher = hubDispatcher();
    undo.push(() => dispatcher.close());

    const clockwork = scheduler(clock, (code, leaseId) => log.error(code, leaseId === undefined ? {} : { leaseId }));
    const ports = wire(settings, data, clock, clockwork, hubOrigin, dispatcher, log);
    if (fake !== undefined) await seedDemo(ports);

    const brokerHandler = broker(ports, log);
    const adminHandler = admin(ports, log);
    const door = await startFrontDoor({
      port: settings.port,
      profiles,
      nowMs: clock.nowMs,
      route(method, rawPath) {
        const match = matchRoute(method, rawPath);
        if (match === undefined) return undefined;
        return { resource: match.resource, pathParameters: match.pathParameters, admin: match.route.who === 'admin' };
      },
      dispatch: (event) => (isAdminPath(event.path) ? adminHandler(event) : brokerHandler(event)),
      // What reached a handler was logged there.
      log: ({ resource, ...entry }) => entry.code !== undefined && log.info('request', { ...entry, route: resource }),
    });
    undo.push(() => door.close());
    clockwork.start(ports);
    undo.push(() => clockwork.stop());
    undo.push(startSweeps(settings, data, ports, log));
    return { endpoint: `${door.url}/v1`, hubOrigin, credentialsFile: credentialsFileOf(settings.dataFolder), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The bundled fake cannot keep its tokens; the message is one line for the operator. */
export class CannotStartFake extends Error {
  override readonly name = 'CannotStartFake';
}

async function startFake(dataFolder: string): Promise<FakeHub> {
  const dataFile = join(dataFolder, 'fake-docker-hub.sqlite');
  try {
    return await startFakeHub({ accounts: [DEMO_ACCOUNT], dataFile });
  } catch {
    throw new CannotStartFake(`the bundled fake Docker Hub cannot use ${dataFile}; nothing was changed`);
  }
}

function wire(
  settings: Settings,
  data: Data,
  clock: Clock,
  clockwork: Scheduler,
  hubOrigin: string,
  dispatcher: Dispatcher,
  log: Log,
): MintPorts & AdminPorts {
  const limits = limitsOf(settings.minTtlSeconds);
  const hubOptions = {
    origin: hubOrigin,
    timeoutMs: limits.hubTimeoutMs,
    userAgent: `hublease/${VERSION}`,
    nowMs: clock.nowMs,
    dispatcher,
  };
  const ulid = monotonicFactory();
  return {
    leases: data.leases,
    catalog: data.catalog,
    credentials: data.credentials,
    sessions: data.sessions,
    sealer: data.sealer,
    labels: data.labels,
    hub: dockerHub(hubOptions),
    minter: tokenMinter(hubOptions),
    tokenSealer: joseTokenSealer(),
    backstop: clockwork.backstop,
    queue: clockwork.queue,
    audit: auditFile(settings.dataFolder, () => log.error('audit_not_written', {})),
    clock,
    ids: { leaseId: (nowMs) => ulid(nowMs), opId: randomUUID },
    limits,
  };
}

function isAdminPath(path: string): boolean {
  return path === '/admin' || path.startsWith('/admin/');
}

/** Sweeps at once, for what a crash left behind, and then from time to time. Returns how to end it. */
function startSweeps(settings: Settings, data: Data, ports: AdminPorts, log: Log): () => Promise<void> {
  const ending = new AbortController();
  const running = (async () => {
    while (!ending.signal.aborted) {
      try {
        const untilMs = ports.clock.nowMs() + settings.sweepIntervalSeconds * 1_000;
        const report = await sweep(ports, { untilMs, mostDue: SWEEP_MOST_DUE });
        for (const { step, ...failure } of report.failures) log.error('sweep_step_failed', { route: step, ...failure });
        while (data.leases.purge(ports.clock.nowMs()) > 0);
      } catch {
        log.error('sweep_failed', {});
      }
      await wait(settings.sweepIntervalSeconds * 1_000, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    ending.abort();
    await running;
  };
}
