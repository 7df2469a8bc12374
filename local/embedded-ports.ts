import { randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Dispatcher } from 'undici';
import { tokenMinter } from '../functions/adapters/docker-hub/create.ts';
import { dockerHub } from '../functions/adapters/docker-hub/docker-hub.ts';
import { joseTokenSealer } from '../functions/adapters/jose/token-sealer.ts';
import { Rates } from '../functions/core/leases/rates.ts';
import { perMinute } from '../functions/core/model/pace.ts';
import type { AdminPorts, MintPorts } from '../functions/core/ports/needs.ts';
import { limitsOf } from '../functions/limits.ts';
import type { Log } from '../functions/log.ts';
import { VERSION } from '../functions/wire/version.ts';
import { type AuditFile, auditFile } from './audit/audit-file.ts';
import type { Scheduler } from './clockwork/scheduler.ts';
import type { Time } from './clockwork/time.ts';
import { memoryRates } from './memory-rates.ts';
import type { Settings } from './settings.ts';
import type { Data } from './sqlite/data.ts';

/** The share of a minute's requests that one caller may send at once: ten seconds' worth. */
const BURST_SHARE = 1 / 6;

/** What the embedded edition's ports are made of. */
export interface EmbeddedParts {
  readonly settings: Pick<Settings, 'dataFolder' | 'minTtlSeconds' | 'callerRatePerMinute' | 'auditRequired'>;
  readonly data: Data;
  readonly time: Time;
  readonly clockwork: Pick<Scheduler, 'backstop' | 'queue'>;
  readonly hubOrigin: string;
  /** Carries every request to Docker Hub; the caller closes it. */
  readonly dispatcher: Dispatcher;
  readonly log: Log;
}

/** Joins core to SQLite, Docker Hub and the clockwork, for all of the embedded edition's handlers. */
export function embeddedPorts(parts: EmbeddedParts): MintPorts & AdminPorts & { readonly audit: AuditFile } {
  const { settings, data, time, clockwork, hubOrigin, dispatcher, log } = parts;
  const limits = limitsOf(settings.minTtlSeconds);
  const { auditRequired = false } = settings;
  const hubOptions = {
    origin: hubOrigin,
    timeoutMs: limits.hubTimeoutMs,
    userAgent: `hublease/${VERSION}`,
    nowMs: time.nowMs,
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
    ...ratesOf(settings.callerRatePerMinute),
    audit: auditFile(settings.dataFolder, {
      onLost: () => log.error('audit_not_written', {}),
      isSynced: auditRequired,
    }),
    auditRequired,
    clock: time,
    ids: { leaseId: (nowMs) => ulid(nowMs), opId: randomUUID },
    limits,
  };
}

function ratesOf(perMinuteOfCaller: number | undefined): Pick<MintPorts, 'rates'> {
  if (perMinuteOfCaller === undefined) return {};
  const burst = Math.max(1, Math.ceil(perMinuteOfCaller * BURST_SHARE));
  return { rates: new Rates(memoryRates(), perMinute(perMinuteOfCaller, burst)) };
}
