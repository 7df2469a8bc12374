import type { Lease } from '../../functions/core/lease.ts';
import type { AdminPorts, AuditEvent, HubReply, MintPorts, SessionRecord } from '../../functions/core/ports.ts';
import type { DynamicSecret } from '../../functions/core/secret.ts';
import type { Credential, Target } from '../../functions/core/target.ts';

export const NOW_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
export const TOKEN = 'dckr_pat_CanaryToken_0123456789';

interface Versioned {
  readonly version: number;
}

/** Rows that are replaced only by their next version. */
function rows<T extends Versioned>(keyOf: (row: T) => string) {
  const kept = new Map<string, T>();
  return {
    kept,
    put: (row: T) => {
      if ((kept.get(keyOf(row))?.version ?? 0) !== row.version - 1) return 'conflict' as const;
      kept.set(keyOf(row), row);
      return 'written' as const;
    },
  };
}

/**
 * Working ports over maps, enough for one handler at a time: one page holds everything, the clock stands still, and Docker Hub
 * accepts every login and create.
 */
export function memoryPorts(): MintPorts & AdminPorts & { readonly events: AuditEvent[] } {
  const leases = rows<Lease>((row) => row.id);
  const secrets = rows<DynamicSecret>((row) => row.name);
  const targets = rows<Target>((row) => row.name);
  const sessions = rows<SessionRecord>((row) => row.target);
  const credentials = new Map<string, { credential: Credential; version: string }>();
  const staged = new Map<string, Credential>();
  const events: AuditEvent[] = [];
  let count = 0;
  const succeed = <T>(value: T): HubReply<T> => ({ ok: true, value, meta: {} });
  const open = (lease: Lease) => lease.status !== 'revoked';

  return {
    events,
    leases: {
      create: async (lease) => leases.put(lease),
      get: async (leaseId) => leases.kept.get(leaseId),
      update: async (lease) => leases.put(lease),
      due: async () => ({ items: [] }),
      list: async ({ caller, secret, status }) => ({
        items: [...leases.kept.values()].filter(
          (lease) =>
            (caller ?? lease.caller) === lease.caller &&
            (secret ?? lease.secret) === lease.secret &&
            (status ?? lease.status) === lease.status,
        ),
      }),
      countOpen: async (of) =>
        [...leases.kept.values()]
          .filter(open)
          .filter((lease) => ('target' in of ? lease.target === of.target : lease.secret === of.secret)).length,
      settleMs: 0,
    },
    catalog: {
      getSecret: async (name) => secrets.kept.get(name),
      putSecret: async (secret) => secrets.put(secret),
      deleteSecret: async (name) => {
        secrets.kept.delete(name);
        return 'written';
      },
      listSecrets: async ({ target }) => ({
        items: [...secrets.kept.values()].filter((secret) => (target ?? secret.target) === secret.target),
      }),
      getTarget: async (name) => targets.kept.get(name),
      putTarget: async (target) => targets.put(target),
      deleteTarget: async (name) => {
        targets.kept.delete(name);
        return 'written';
      },
      listTargets: async () => ({ items: [...targets.kept.values()] }),
    },
    credentials: {
      read: async (target) => credentials.get(target),
      stage: async (target, credential) => {
        staged.set(target, credential);
        return `v${++count}`;
      },
      promote: async (target, version) => {
        credentials.set(target, { credential: staged.get(target) as Credential, version });
      },
      remove: async (target) => {
        credentials.delete(target);
      },
    },
    sessions: {
      read: async (target) => sessions.kept.get(target),
      write: async (record) => sessions.put(record),
      remove: async (target) => {
        sessions.kept.delete(target);
      },
    },
    sealer: { seal: async (plain) => plain, open: async (sealed) => sealed },
    hub: {
      login: async ({ username }) => succeed({ account: username, bearer: 'bearer', expiresAtMs: NOW_MS + 600_000 }),
      listTokens: async () => succeed({ tokens: [], total: 0, more: false }),
      getToken: async () => ({ ok: false, problem: { tag: 'not_found' }, meta: {} }),
      deleteToken: async () => succeed({ httpStatus: 204 }),
      readDate: async () => succeed(null),
    },
    minter: {
      createToken: async () => succeed({ tokenId: '6f6d7a56-0c1e-4c1b-9d3b-0a4f5e6d7c8b', token: TOKEN }),
    },
    backstop: { arm: async () => {} },
    queue: { send: async () => {} },
    audit: {
      record: async (event) => {
        events.push(event);
      },
    },
    clock: { nowMs: () => NOW_MS, sleep: async () => {} },
    ids: {
      leaseId: () => `01K9ZC3V7M8Q2R4T6W8Y0A${String(++count).padStart(4, '0')}`,
      opId: () => `op${++count}`,
    },
    labels: { installation: 'abcd1234', currentKeyId: 'k1', mac: () => 'A'.repeat(16), sha256: () => '0'.repeat(64) },
    limits: {
      minTtlSeconds: 60,
      mintWindowMs: 20_000,
      hubTimeoutMs: 8_000,
      quietMs: 60_000,
      maxRetryMs: 900_000,
      auditRetentionMs: 30 * 86_400_000,
    },
  };
}

/** Ports whose every method throws an error that quotes a canary. Clock, ids and labels work: they are never out of order. */
export function brokenPorts(canary: string): MintPorts & AdminPorts {
  const working = memoryPorts();
  const broken = new Proxy(
    {},
    {
      get: () => async () => {
        throw new Error(`it said ${canary}\n    at ${canary} (/tmp/x.ts:1:1)`);
      },
    },
  );
  const names = ['leases', 'catalog', 'credentials', 'sessions', 'sealer', 'hub', 'minter', 'backstop', 'queue'];
  return { ...working, ...Object.fromEntries(names.map((name) => [name, broken])) };
}
