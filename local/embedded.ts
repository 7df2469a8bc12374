import { join } from 'node:path';
import { type FakeHub, startFakeHub } from '../fake-hub/server.ts';
import { hubDispatcher } from '../functions/adapters/docker-hub/http.ts';
import { admin } from '../functions/admin.ts';
import { broker } from '../functions/broker.ts';
import { jsonLines } from '../functions/log.ts';
import { matchRoute } from '../functions/wire/match-route.ts';
import { startFlushing } from './audit/audit-file.ts';
import { followClock } from './clockwork/follow-clock.ts';
import { scheduler } from './clockwork/scheduler.ts';
import { steadyTime } from './clockwork/steady-time.ts';
import { startSweeps } from './clockwork/sweeps.ts';
import { SYSTEM_TIME } from './clockwork/time.ts';
import { embeddedPorts } from './embedded-ports.ts';
import { writeCurlConfigs } from './front-door/curl-configs.ts';
import { type FrontDoor, startFrontDoor } from './front-door/front-door.ts';
import { credentialsFileOf, openProfiles } from './front-door/profiles.ts';
import { keepOutOfGit } from './git-ignore.ts';
import { DEMO_ACCOUNT, seedDemo } from './seed.ts';
import type { Settings } from './settings.ts';
import { openData } from './sqlite/data.ts';
import { FAKE_DATABASE_FILE, hubOfFolder } from './sqlite/hub-of-folder.ts';

/** A running embedded edition. */
export interface Embedded {
  /** With the stage: `http://127.0.0.1:8787/v1`. */
  readonly endpoint: string;
  /** Origin of the Docker Hub in use. */
  readonly hubOrigin: string;
  readonly credentialsFile: string;
  /** The Unix socket that answers for the endpoint too, or why there is none. */
  readonly socket: FrontDoor['socket'];
  /** Takes no further request, finishes what is under way and lets go of the data folder. */
  stop(): Promise<void>;
}

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
  const time = steadyTime(SYSTEM_TIME);
  const log = jsonLines(errorStream, time, settings.logLevel);
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    // Before anything that could speak to Docker Hub.
    const data = openData(settings.dataFolder, hubOfFolder(settings.hubOrigin));
    undo.push(() => data.close());
    keepOutOfGit(settings.dataFolder);
    undo.push(followClock(time, data, log));
    const profiles = await openProfiles(settings.dataFolder);
    writeCurlConfigs(settings.dataFolder, profiles);
    const fake = settings.hubOrigin === undefined ? await startFake(settings.dataFolder) : undefined;
    undo.push(() => fake?.close());
    const hubOrigin = fake?.url ?? (settings.hubOrigin as string);
    const dispatcher = hubDispatcher();
    undo.push(() => dispatcher.close());

    const clockwork = scheduler(time, (code, leaseId) => log.error(code, leaseId === undefined ? {} : { leaseId }));
    const ports = embeddedPorts({ settings, data, time, clockwork, hubOrigin, dispatcher, log });
    undo.push(startFlushing(ports.audit, time));
    if (fake !== undefined) await seedDemo(ports);

    const brokerHandler = broker(ports, log, { isFake: fake !== undefined });
    const adminHandler = admin(ports, log);
    const door = await startFrontDoor({
      port: settings.port,
      socketFolder: settings.dataFolder,
      ...(settings.acceptHosts && { acceptHosts: settings.acceptHosts }),
      profiles,
      nowMs: time.nowMs,
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
    undo.push(startSweeps(settings.sweepIntervalSeconds, ports, data.leases, time, log));
    return {
      endpoint: `${door.url}/v1`,
      hubOrigin,
      credentialsFile: credentialsFileOf(settings.dataFolder),
      socket: door.socket,
      stop,
    };
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
  const dataFile = join(dataFolder, FAKE_DATABASE_FILE);
  try {
    return await startFakeHub({ accounts: [DEMO_ACCOUNT], dataFile });
  } catch {
    throw new CannotStartFake(`the bundled fake Docker Hub cannot use ${dataFile}; nothing was changed`);
  }
}

function isAdminPath(path: string): boolean {
  return path === '/admin' || path.startsWith('/admin/');
}
