import { createHash, createHmac } from 'node:crypto';
import type { AuditOutcome } from '../../../functions/core/ports/audit.ts';
import type { HubProblem, HubReply } from '../../../functions/core/ports/docker-hub.ts';
import type { Limits } from '../../../functions/core/ports/environment.ts';
import type { AdminPorts, MintPorts, SweepPorts } from '../../../functions/core/ports/needs.ts';
import type { LabelKeys } from '../../../functions/core/ports/sealing.ts';
import type { Ablation } from '../ablation.ts';
import { type Actor, type Refusal, type Site, storeRefusal } from '../actor.ts';
import { HUB_TIMEOUT_MS, MINT_WINDOW_MS, QUIET_MS } from '../bounds.ts';
import type { FaultKind } from '../faults.ts';
import type { Watch } from '../invariants.ts';
import type { InstallationName } from '../plan.ts';
import { SITES } from '../sites.ts';
import type { World } from '../world.ts';
import type { SimCatalog, SimCredentials, SimSealer, SimSessions } from './catalog.ts';
import type { SimHub } from './hub.ts';
import type { SimLeases } from './leases.ts';
import type { Triggers } from './triggers.ts';

/** What one installation keeps. */
export interface Stores {
  readonly name: InstallationName;
  readonly leases: SimLeases;
  readonly catalog: SimCatalog;
  readonly sessions: SimSessions;
  readonly credentials: SimCredentials;
  readonly sealer: SimSealer;
  readonly triggers: Triggers;
  readonly labels: LabelKeys;
}

export type AllPorts = MintPorts & AdminPorts & SweepPorts;

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** All ports as one actor of an installation sees them. */
export function portsOf(
  actor: Actor,
  stores: Stores,
  hub: SimHub,
  world: World,
  watch: Watch,
  ablation: Ablation,
): AllPorts {
  const { leases, catalog, sessions, credentials, sealer, triggers } = stores;
  const by = stores.name;
  const ask = <T>(site: Site, apply: () => T): Promise<T> => actor.call<T>(site, apply, storeRefusal);
  const tell = (site: Site, apply: () => void): Promise<void> => actor.call<void>(site, apply, storeRefusal);
  const dial = <T>(site: Site, apply: (fault: FaultKind | undefined) => HubReply<T>): Promise<HubReply<T>> =>
    actor.call<HubReply<T>>(
      site,
      (fault) => byOwnClock(apply(fault), actor, watch),
      (why, atMs) => byOwnClock(hubRefusal(why, atMs), actor, watch),
    );
  const send = (leaseId: string, delayMs: number) =>
    tell(SITES.send, () => triggers.send(leaseId, delayMs, actor.kind === 'sweep' ? 'due' : 'retry'));
  return {
    leases: {
      create: (lease, claims) => ask(SITES.create, () => leases.create(lease, claims)),
      update: (lease, count) =>
        ask(SITES.update, () => {
          const outcome = leases.update(lease, count);
          if (outcome === 'written') watch.wrote(lease, actor);
          return outcome;
        }),
      get: (leaseId) =>
        ask(SITES.get, () => {
          watch.tookUp(leaseId, actor);
          return leases.get(leaseId);
        }),
      due: (nowMs, page) => ask(SITES.due, () => (ablation === 'due_sweep' ? { items: [] } : leases.due(nowMs, page))),
      list: (filter, page) => ask(SITES.list, () => leases.list(filter, page)),
      listOpen: (page) => ask(SITES.listOpen, () => leases.listOpen(page)),
      findByToken: (sha256) => ask(SITES.findByToken, () => leases.findByToken(sha256)),
      readReplay: (id) => ask(SITES.readReplay, () => leases.readReplay(id)),
      readCounter: (counter) => ask(SITES.readCounter, () => leases.readCounter(counter)),
      correctCounter: (counter, open, version) =>
        ask(SITES.correctCounter, () => leases.correctCounter(counter, open, version)),
      countOpen: (of) => ask(SITES.countOpen, () => leases.countOpen(of)),
      settleMs: leases.settleMs,
    },
    catalog: {
      getSecret: (name) => ask(SITES.getSecret, () => catalog.secrets.get(name)),
      putSecret: (secret) => ask(SITES.putSecret, () => catalog.putSecret(secret)),
      deleteSecret: (name, version) => ask(SITES.deleteSecret, () => catalog.secrets.delete(name, version)),
      listSecrets: (filter, page) => ask(SITES.listSecrets, () => catalog.listSecrets(filter, page)),
      getTarget: (name) => ask(SITES.getTarget, () => catalog.targets.get(name)),
      putTarget: (target) => ask(SITES.putTarget, () => catalog.putTarget(target)),
      deleteTarget: (name, version) => ask(SITES.deleteTarget, () => catalog.targets.delete(name, version)),
      listTargets: (filter, page) => ask(SITES.listTargets, () => catalog.listTargets(filter, page)),
    },
    credentials: {
      read: (target) => ask(SITES.readCredential, () => credentials.read(target)),
      stage: (target, credential) => ask(SITES.stage, () => credentials.stage(target, credential)),
      promote: (target, version) => tell(SITES.promote, () => credentials.promote(target, version)),
      remove: (target) => tell(SITES.removeCredential, () => credentials.remove(target)),
    },
    sessions: {
      read: (target) => ask(SITES.readSession, () => sessions.read(target)),
      write: (record) => ask(SITES.writeSession, () => sessions.write(record)),
      remove: (target) => tell(SITES.removeSession, () => sessions.remove(target)),
    },
    sealer: {
      seal: (plain, context) => ask(SITES.seal, () => sealer.seal(plain, context)),
      open: (sealed, context) => ask(SITES.open, () => sealer.open(sealed, context)),
    },
    hub: {
      login: (credential, route, nowMs) =>
        dial(SITES.login, () => {
          const reply = hub.login(by, credential, route, nowMs);
          return ablation === 'account_pin' ? withAccount(reply, stores) : reply;
        }),
      listTokens: (session, place, window) =>
        dial(SITES.listTokens, () => {
          const reply = hub.listTokens(session, place, window);
          return ablation === 'mac_check' ? withMacs(reply, stores.labels, session.account) : reply;
        }),
      getToken: (session, place, tokenId) => {
        // The network may deliver one look twice.
        let isDelivered = false;
        return dial(SITES.getToken, () => {
          if (actor.role === 'look' && !isDelivered) watch.logins.looked(by, session.account);
          isDelivered = true;
          return hub.getToken(session, place, tokenId);
        });
      },
      deleteToken: (session, place, tokenId) =>
        dial(SITES.deleteToken, () => hub.deleteToken(by, session, place, tokenId)),
      readDate: () => dial(SITES.readDate, () => hub.readDate()),
    },
    minter: {
      createToken: (session, place, asked) => {
        const order = ablation === 'expires_at' ? { ...asked, expiresAtMs: null } : asked;
        return dial(SITES.createToken, (fault) => {
          if (fault === 'duplicate') hub.createToken(by, session, place, order, true);
          return hub.createToken(by, session, place, order, false);
        });
      },
    },
    // Whoever seals cannot open: what comes of it tells nothing.
    tokenSealer: { seal: async (token) => `jwe.${stores.labels.sha256(token)}` },
    backstop: { arm: (leaseId, atMs) => tell(SITES.arm, () => triggers.arm(leaseId, atMs)) },
    timer: { arm: (leaseId, atMs) => tell(SITES.armTimer, () => triggers.armTimer(leaseId, atMs)) },
    queue: {
      send,
      // Each message of a batch has a fate of its own.
      sendAll: async (leaseIds) => {
        let failed: unknown;
        for (const leaseId of leaseIds) {
          await send(leaseId, 0).catch((error: unknown) => {
            failed = error;
          });
        }
        if (failed !== undefined) throw failed;
      },
    },
    audit: {
      record: (event) =>
        actor.call<AuditOutcome>(
          SITES.audit,
          () => {
            watch.audited(event, actor);
            return 'stored';
          },
          () => 'lost',
        ),
    },
    auditRequired: ablation !== 'audit_required',
    clock: { nowMs: () => world.nowMs + actor.skewMs, sleep: (ms) => actor.sleep(ms) },
    ids: {
      leaseId: (nowMs) => triggers.nameLease(actor.name, leaseIdOf(nowMs, actor)),
      opId: () => `${by}/${actor.name}/${actor.ordinal('op')}`,
    },
    labels: stores.labels,
    limits: limitsOf(ablation),
  };
}

function limitsOf(ablation: Ablation): Limits {
  return {
    minTtlSeconds: 60,
    mintWindowMs: MINT_WINDOW_MS,
    hubTimeoutMs: HUB_TIMEOUT_MS,
    quietMs: ablation === 'quiet_period' ? 0 : QUIET_MS,
    maxRetryMs: 900_000,
    auditRetentionMs: 30 * 86_400_000,
  };
}

/** A ULID's shape: the time, and an end that the actor's name decides. */
function leaseIdOf(nowMs: number, actor: Actor): string {
  let time = '';
  for (let rest = nowMs; time.length < 10; rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time;
  const digest = createHash('sha256')
    .update(`${actor.installation} ${actor.name} ${actor.ordinal('lease')}`)
    .digest();
  return time + [...digest.subarray(0, 16)].map((byte) => ALPHABET[byte % 32]).join('');
}

/** Real MACs under a key of the installation's own, each reckoned once. */
export function labelKeys(name: InstallationName, keyId = 'k1'): LabelKeys {
  const known = new Map<string, string>();
  return {
    installation: installationId(name),
    currentKeyId: keyId,
    mac: (id, text) => {
      if (id !== keyId) return undefined;
      let mac = known.get(text);
      if (mac === undefined) {
        mac = createHmac('sha256', `label key of ${name}`).update(text).digest('base64url').slice(0, 16);
        known.set(text, mac);
      }
      return mac;
    },
    sha256: (token) => createHash('sha256').update(token).digest('hex'),
  };
}

/** Begins with the installation's name, so that a label tells whose it is. */
export function installationId(name: InstallationName): string {
  return `${name}0000000`;
}

/** How Docker Hub refuses a create that has come before: the first two read as if nothing had been made. */
const REPETITIONS: readonly (readonly [HubProblem, number])[] = [
  [{ tag: 'throttled', retryAtMs: 0 }, 429],
  [{ tag: 'invalid', fields: ['token_label'] }, 400],
  [{ tag: 'invalid', fields: [] }, 409],
  [{ tag: 'invalid', fields: [] }, 400],
];

/** Docker Hub's own words come as JSON; of a lost answer and a failure nothing is known. */
function hubRefusal(why: Refusal, atMs: number): HubReply<never> {
  const say = (problem: HubProblem, httpStatus: number): HubReply<never> => ({
    ok: false,
    problem,
    meta: { httpStatus, isJson: true },
  });
  switch (why) {
    case 'throttled':
      return say({ tag: 'throttled', retryAtMs: atMs }, 429);
    case 'refused':
      return say({ tag: 'session_refused' }, 401);
    case 'declined':
      return say({ tag: 'forbidden' }, 403);
    case 'rejected':
      return say({ tag: 'credential_refused' }, 401);
    case 'repeated':
      return say(...(REPETITIONS[atMs % REPETITIONS.length] as (typeof REPETITIONS)[number]));
    case 'lost':
      return { ok: false, problem: { tag: 'fault', code: 'timeout' }, meta: {} };
    case 'failed':
      return { ok: false, problem: { tag: 'fault', code: 'server_error' }, meta: { httpStatus: 500 } };
  }
}

/** An answer's pause is reckoned by the clock of whoever got it. */
function byOwnClock<T>(reply: HubReply<T>, actor: Actor, watch: Watch): HubReply<T> {
  if (reply.ok || reply.problem.tag !== 'throttled') return reply;
  actor.throttled = true;
  watch.throttled(actor.installation, reply.problem.retryAtMs);
  return { ...reply, problem: { ...reply.problem, retryAtMs: reply.problem.retryAtMs + actor.skewMs } };
}

/** Ablation: whoever logs in is taken for the target's own account. */
function withAccount<R extends Awaited<ReturnType<AllPorts['hub']['login']>>>(reply: R, stores: Stores): R {
  if (!reply.ok) return reply;
  const expected = stores.catalog.targets.byName().map((target) => target.username);
  const account = expected.includes(reply.value.account) ? reply.value.account : (expected[0] ?? reply.value.account);
  return { ...reply, value: { ...reply.value, account } };
}

/** Ablation: every label that looks like ours gets the MAC that it should have. */
function withMacs<R extends Awaited<ReturnType<AllPorts['hub']['listTokens']>>>(
  reply: R,
  keys: LabelKeys,
  hubAccount: string,
): R {
  if (!reply.ok) return reply;
  const tokens = reply.value.tokens.map((token) => {
    const mark = /^hl1:([a-z0-9]{8}):([0-9A-Z]{26}):/.exec(token.label);
    if (mark === null || mark[1] !== keys.installation) return token;
    const mac = keys.mac(keys.currentKeyId, `hublease-label-1\n${mark[1]}\n${mark[2]}\n${hubAccount}`);
    return { ...token, label: `hl1:${mark[1]}:${mark[2]}:${keys.currentKeyId}.${mac}` };
  });
  return { ...reply, value: { ...reply.value, tokens } };
}
