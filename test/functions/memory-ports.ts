import { createHash } from 'node:crypto';
import { joseTokenSealer } from '../../functions/adapters/jose/token-sealer.ts';
import type { AuditEvent } from '../../functions/core/model/audit-event.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Credential, Target } from '../../functions/core/model/target.ts';
import type { HubReply, HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { Counter, ReplayRecord } from '../../functions/core/ports/leases.ts';
import type { AdminPorts, MintPorts } from '../../functions/core/ports/needs.ts';
import type { SessionRecord } from '../../functions/core/ports/sessions.ts';

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
 * Working ports over maps, enough for one handler at a time: one page holds everything, the clock goes on only while somebody
 * sleeps, and Docker Hub accepts every login and create.
 */
export function memoryPorts(): MintPorts & AdminPorts & { readonly events: AuditEvent[] } {
  const leases = rows<Lease>((row) => row.id);
  const secrets = rows<DynamicSecret>((row) => row.name);
  const targets = rows<Target>((row) => row.name);
  const replays = rows<ReplayRecord>((row) => row.id);
  const counters = new Map<string, Counter>();
  const sessions = rows<SessionRecord>((row) => row.target);
  const credentials = new Map<string, { credential: Credential; version: string }>();
  const tokens = new Map<string, HubToken>();
  const staged = new Map<string, Credential>();
  const events: AuditEvent[] = [];
  let made = 0;
  let nowMs = NOW_MS;
  const succeed = <T>(value: T): HubReply<T> => ({ ok: true, value, meta: {} });
  const open = (lease: Lease) => lease.status !== 'revoked';
  const count = (names: readonly string[], by: number) => {
    for (const name of names) {
      const { open, version } = counters.get(name) ?? { open: 0, version: 0 };
      counters.set(name, { open: Math.max(0, open + by), version: version + 1, changedAtMs: NOW_MS });
    }
  };

  return {
    events,
    leases: {
      create: async (lease, { quotas = [], replay } = {}) => {
        const full = quotas.find(({ counter, most }) => (counters.get(counter)?.open ?? 0) >= most);
        if (full !== undefined) return { full: full.counter };
        if (replay !== undefined && replays.put(replay) === 'conflict') return 'conflict';
        count(
          quotas.map(({ counter }) => counter),
          1,
        );
        return leases.put(lease);
      },
      get: async (leaseId) => leases.kept.get(leaseId),
      update: async (lease, change) => {
        const outcome = leases.put(lease);
        if (outcome === 'written' && change !== undefined) count(lease.counters ?? [], change === 'take' ? 1 : -1);
        return outcome;
      },
      due: async () => ({ items: [] }),
      list: async ({ caller, secret, status }) => ({
        items: [...leases.kept.values()].filter(
          (lease) =>
            (caller ?? lease.caller) === lease.caller &&
            (secret ?? lease.secret) === lease.secret &&
            (status ?? lease.status) === lease.status,
        ),
      }),
      listOpen: async () => ({ items: [...leases.kept.values()].filter(open) }),
      findByToken: async (sha256) => [...leases.kept.values()].find((lease) => lease.tokenSha256 === sha256)?.id,
      readReplay: async (id) => replays.kept.get(id),
      readCounter: async (counter) => counters.get(counter),
      correctCounter: async (counter, open, version) => {
        if (counters.get(counter)?.version !== version) return 'conflict';
        counters.set(counter, { open, version: version + 1, changedAtMs: NOW_MS });
        return 'written';
      },
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
        return `v${++made}`;
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
    tokenSealer: joseTokenSealer(),
    sealer: { seal: async (plain) => plain, open: async (sealed) => sealed },
    hub: {
      login: async ({ username }) => succeed({ account: username, bearer: 'bearer', expiresAtMs: NOW_MS + 600_000 }),
      listTokens: async () => succeed({ tokens: [...tokens.values()], total: tokens.size, more: false }),
      getToken: async (_session, _place, tokenId) => {
        const token = tokens.get(tokenId);
        return token === undefined ? { ok: false, problem: { tag: 'not_found' }, meta: {} } : succeed(token);
      },
      deleteToken: async (_session, _place, tokenId) => {
        tokens.delete(tokenId);
        return succeed({ httpStatus: 204 });
      },
      readDate: async () => succeed(null),
    },
    minter: {
      createToken: async (_session, _place, { label, expiresAtMs }) => {
        const tokenId = `6f6d7a56-0c1e-4c1b-9d3b-${String(++made).padStart(12, '0')}`;
        const facts = { tokenId, label, createdAtMs: NOW_MS, isActive: true, lastUsedAtMs: null };
        tokens.set(tokenId, { ...facts, expiresAtMs });
        return succeed({ tokenId, token: TOKEN, label, expiresAtMs });
      },
    },
    backstop: { arm: async () => {} },
    queue: { send: async () => {}, sendAll: async () => {} },
    audit: {
      record: async (event) => {
        events.push(event);
        return 'stored';
      },
    },
    clock: {
      nowMs: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
      },
    },
    ids: {
      leaseId: () => `01K9ZC3V7M8Q2R4T6W8Y0A${String(++made).padStart(4, '0')}`,
      opId: () => `op${++made}`,
    },
    labels: {
      installation: 'abcd1234',
      currentKeyId: 'k1',
      mac: () => 'A'.repeat(16),
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
    },
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
  const names = [
    'leases',
    'catalog',
    'credentials',
    'sessions',
    'sealer',
    'tokenSealer',
    'hub',
    'minter',
    'backstop',
    'queue',
  ];
  return { ...working, ...Object.fromEntries(names.map((name) => [name, broken])) };
}
