import type { APIGatewayProxyResult } from 'aws-lambda';
import { joseTokenSealer } from '../../functions/adapters/jose/token-sealer.ts';
import { admin } from '../../functions/admin.ts';
import { broker } from '../../functions/broker.ts';
import type { DockerHub, TokenMinter } from '../../functions/core/ports/docker-hub.ts';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import { jsonLines } from '../../functions/log.ts';
import { patternOf } from '../canary.ts';
import { BEARER_CANARY } from '../core/ports/hub.ts';
import { answers, refusal } from '../core/ports/steering.ts';
import { World } from '../core/world.ts';
import { principalIdOf } from '../functions/proxy-event.ts';
import { CANARY } from '../sim/canary.ts';
import { eventOf, type Wire } from './wire.ts';
import { ADMIN, CALLERS, JWKS, leaseIdOf, OTHER, SEEDED_LEASES, TOKEN_SHA256 } from './words.ts';

/** Begins every second factor: Base32, unlike `CANARY`, and found in whichever case it is written. */
export const TOTP_CANARY = 'CANARY77';

const LEAK = patternOf(CANARY, TOTP_CANARY, BEARER_CANARY.slice(0, 8));

/** Whether a text shows a password, a second factor, a session or a token, or eight characters of one. */
export function leaks(text: string): boolean {
  return LEAK.test(text);
}

/**
 * Both handlers over ports in memory, as API Gateway calls them, with targets, secrets and leases of every kind there are. Docker
 * Hub accepts every login, so that nothing a request says can make it fail.
 */
export class ApiWorld {
  readonly world = new World();
  /** What was logged. */
  readonly lines: string[] = [];
  readonly #handlers;
  #leases = 0;

  /** @param deletes whether Docker Hub deletes tokens; else it does not answer when asked to. */
  constructor(deletes = true) {
    const { world } = this;
    const ports = {
      ...world.ports,
      hub: { ...world.ports.hub, login: loginOf(world) },
      minter: minterOf(world),
      tokenSealer: joseTokenSealer(),
      ids: { ...world.ports.ids, leaseId: () => leaseIdOf(SEEDED_LEASES + ++this.#leases) },
    };
    const log = jsonLines({ write: (line) => this.lines.push(line) }, world.clock);
    this.#handlers = { admin: admin(ports, log), broker: broker(ports, log) };
    if (!deletes) {
      const silence = answers(refusal({ tag: 'fault', code: 'timeout' }));
      world.steering.on('hub.deleteToken', silence, { times: Number.POSITIVE_INFINITY });
    }
    seed(world);
  }

  /** How often a port was called so far. */
  get portCalls(): number {
    return this.world.steering.calls.length;
  }

  async send(wire: Wire): Promise<APIGatewayProxyResult> {
    const event = eventOf(wire);
    return wire.path.startsWith('/v1/admin') ? this.#handlers.admin(event) : this.#handlers.broker(event);
  }

  /** All that is kept of what happened, but for the credentials' own store. */
  records(): string {
    const { leases, catalog, sessions, events } = this.world;
    return JSON.stringify([
      leases.rows.all(),
      catalog.secrets.all(),
      catalog.targets.all(),
      sessions.rows.all(),
      events,
    ]);
  }
}

function loginOf(world: World): DockerHub['login'] {
  return async (credential, route, nowMs) => {
    world.hub.accounts.set(credential.username, { password: credential.password, secondFactor: false });
    return world.ports.hub.login(credential, route, nowMs);
  };
}

function minterOf(world: World): TokenMinter {
  return {
    createToken: async (session, place, order) => {
      const reply = await world.ports.minter.createToken(session, place, order);
      return reply.ok
        ? { ...reply, value: { ...reply.value, token: `dckr_pat_${CANARY}${reply.value.tokenId}` } }
        : reply;
    },
  };
}

/** As the document's examples have it, and besides one of each kind that an answer differs for. */
function seed(world: World): void {
  const credential = { password: `${CANARY}-of-a-target` };
  const bot = world.addTarget({ name: 'acme-bot', username: 'acmebot' }, credential);
  const org = { kind: 'org', organization: 'acme', maxActive: 4 } as const;
  const acme = world.addTarget({ name: 'acme', username: 'acmebot', ...org }, credential);
  const old = world.addTarget({ name: 'old', username: 'oldbot', status: 'draining' }, credential);
  const idle = { ...credential, totpSecret: `${TOTP_CANARY}${'A'.repeat(16)}` };
  world.addTarget({ name: 'idle', username: 'idlebot', description: 'unused', tags: { team: 'a' } }, idle);
  world.addTarget({ name: 'stack', username: 'stackbot', managedBy: 'cdk' }, credential);

  const resources = [{ type: 'TYPE_REPO', path: 'acme/*', scopes: ['scope-image-push'] }] as const;
  const { scope: _, ...secret } = world.addSecret({ renewable: true, maxActive: 3 });
  world.catalog.secrets.set('ci/pull', { ...secret, name: 'ci/pull', target: 'acme', resources, renewable: false });
  world.addSecret({
    name: 'ci/any',
    allow: ['arn:aws:iam::111122223333:root', OTHER],
    labelTemplate: '{role} {secret}',
    maxActive: 1,
  });
  world.addSecret({ name: 'ci/sealed', protectionJwk: JWKS[0] });
  world.addSecret({ name: 'ci/kept', deleteProtection: true });
  world.addSecret({ name: 'ci/old', target: 'old', status: 'draining' });
  world.addSecret({ name: 'ci/stack', managedBy: 'cdk' });

  const again = 'ci/release';
  const seeded = ['ci/release', again, 'ci/any', 'ci/pull', again, 'ci/old', again, 'verification'];
  if (seeded.length !== SEEDED_LEASES) throw new Error('the words name other leases than are seeded');
  const [one, two, three, four, five, six, seven, eight] = seeded.map((secret, index) => ({
    secret,
    id: leaseIdOf(index + 1),
  }));
  const renewable = {
    renewable: true,
    maxExpiresAtMs: world.clock.nowMs() + 3_600_000,
    counters: ['secret:ci/release'],
  };
  world.addLease(bot, { ...one, ...renewable, tokenSha256: TOKEN_SHA256 });
  world.addLease(bot, { ...two, label: 'build', reason: 'a release' });
  world.addLease(bot, { ...three, caller: OTHER, counters: ['secret:ci/any'] });
  world.addLease(acme, { ...four, resources });
  world.addMinting(bot, five);
  const atMs = world.clock.nowMs();
  world.addLease(old, {
    ...six,
    status: 'revoking',
    revokeReason: 'mint_failed',
    revokingSinceMs: atMs,
    lastError: 'unclear_token',
    blockedBy: ['1'],
    createRefused: true,
    expiryClipped: true,
    hubReportedExpiresAtMs: atMs,
  });
  world.addRevoked(bot, seven);
  world.addLease(bot, { ...eight, caller: ADMIN });
  for (const counter of ['secret:ci/release', 'secret:ci/any']) {
    world.leases.counters.set(counter, { open: 1, version: 1, changedAtMs: world.clock.nowMs() });
  }
  world.sessions.rows.set('idle', { target: 'idle', version: 1, opId: 'learned', facts: allFacts(atMs) });
  // The role whose sessions send the requests.
  const callerId = principalIdOf(CALLERS[0]).split(':')[0] as string;
  for (const lease of world.leases.rows.all()) world.leases.rows.set(lease.id, { ...lease, callerId });
}

/** All that can be learned of a Docker Hub, of which more is bad than one has. */
function allFacts(atMs: number): HubFacts {
  return {
    refusal: { code: 'list_lags', sinceMs: atMs, triedAtMs: atMs },
    pendingVerification: { leaseId: leaseIdOf(1), tokenId: '1', createdAtMs: atMs },
    listLagMs: 90_500,
    listLagsBeyondMs: 91_000,
    pageSize: 10,
    listing: { code: 'malformed', sinceMs: atMs },
    cap: { tokens: 10, atMs },
    places: { atMs, tokens: 10, foreign: 3, expired: 2 },
  };
}
