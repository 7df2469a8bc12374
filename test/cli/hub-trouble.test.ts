import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import { refusal } from '../functions/api.ts';
import { NOW_MS } from '../functions/memory-ports.ts';
import { type Desk, openDesk } from './desk.ts';

/** How the command line shows a Docker Hub that is not as documented, and what an administrator does about it. */

const TOKEN_ID = '0b9f6c2e-5d1a-4f7e-8a3c-2d4e6f8a0b1c';
const REASON = 'The account is closed';
/** The life of a lease that asks for no TTL, and five minutes. */
const ATTESTED_FROM_MS = 900_000 + 300_000;
const MINUTE_MS = 60_000;

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => desk.close());

async function leaseId(): Promise<string> {
  return (await desk.type('CI', 'lease ci/release --field lease.id')).stdout.trim();
}

async function later(ms: number): Promise<void> {
  await desk.api.ports.clock.sleep(ms);
}

/** Docker Hub's answers to deletes, until told otherwise. */
function deletesFail(): void {
  const { hub } = desk.api.ports;
  const deleteToken = refusal({ tag: 'fault', code: 'timeout' });
  desk.api.ports = { ...desk.api.ports, hub: { ...hub, deleteToken } };
}

/** Docker Hub ends each token `lifeMs` from now, whatever it is asked for. */
function tokensEndAfter(lifeMs: number): void {
  const { minter, clock } = desk.api.ports;
  const createToken: typeof minter.createToken = async (...args) => {
    const reply = await minter.createToken(...args);
    return reply.ok ? { ...reply, value: { ...reply.value, expiresAtMs: clock.nowMs() + lifeMs } } : reply;
  };
  desk.api.ports = { ...desk.api.ports, minter: { createToken } };
}

async function rewrite(id: string, change: object): Promise<void> {
  const lease = await desk.api.ports.leases.get(id);
  if (lease === undefined) throw new Error('the lease is there');
  await desk.api.ports.leases.update({ ...lease, ...change, version: lease.version + 1 });
}

/** A lease that a listed token has kept open since `sinceMs`. */
async function blocked(sinceMs: number): Promise<string> {
  const id = await leaseId();
  const why = { status: 'revoking', lastError: 'unclear_token', blockedBy: [TOKEN_ID], revokingSinceMs: sinceMs };
  await rewrite(id, why);
  return id;
}

async function learn(facts: HubFacts): Promise<void> {
  const record = await desk.api.ports.sessions.read('acme');
  if (record === undefined) throw new Error('the verification logged nobody in');
  await desk.api.ports.sessions.write({ ...record, version: record.version + 1, opId: 'learned', facts });
}

async function verified(change: object): Promise<void> {
  const target = await desk.api.ports.catalog.getTarget('acme');
  if (target?.verification === undefined) throw new Error('the target was verified');
  const verification = { ...target.verification, ...change };
  await desk.api.ports.catalog.putTarget({ ...target, verification, version: target.version + 1 });
}

describe('hublease revoke --attest', () => {
  const attest = (id: string) => desk.type('ADMIN', ['revoke', id, '--attest', '--reason', REASON]);

  test('closes a lease on the administrator’s word, and says that this is no proof', async () => {
    const id = await leaseId();
    deletesFail();
    await later(ATTESTED_FROM_MS + 1);
    expect(await attest(id)).toEqual({
      code: 0,
      stdout: 'revoked (attested)\n',
      stderr: 'closed without proof: hublease did not ask Docker Hub, and deleted no token\n',
    });
  });

  test('is shown apart from what was proven', async () => {
    const [proven, id] = [await leaseId(), await leaseId()];
    await desk.type('CI', `revoke ${proven}`);
    await later(ATTESTED_FROM_MS + 1);
    await attest(id);
    const { stdout } = await desk.type('CI', `show ${id}`);
    expect(stdout).toMatch(
      /^NO PROOF +closed without proof at \S+Z by arn:aws:iam::111122223333:role\/admin: The account is closed$/m,
    );
    expect(stdout).not.toMatch(/^evidence/m);
    expect((await desk.type('CI', `show ${proven}`)).stdout).toMatch(/^evidence +deleted: Docker Hub answered 204/m);
    const list = (await desk.type('CI', 'leases')).stdout;
    expect(list).toMatch(new RegExp(`^${id} +ci/release +revoked \\(attested\\) `, 'm'));
    expect(list).toMatch(new RegExp(`^${proven} +ci/release +revoked +-`, 'm'));
  });

  test('is refused while the token may live', async () => {
    const id = await leaseId();
    const { code, stdout, stderr } = await attest(id);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(new Date(NOW_MS + ATTESTED_FROM_MS).toISOString());
  });

  test('says when the word was not needed', async () => {
    const id = await leaseId();
    await desk.type('CI', `revoke ${id}`);
    expect(await attest(id)).toEqual({
      code: 0,
      stdout: 'revoked\n',
      stderr: 'the lease was already proven to be over, so nothing was attested\n',
    });
  });

  test('is for administrators only', async () => {
    const id = await leaseId();
    await later(ATTESTED_FROM_MS + 1);
    const session = await desk.type('CI', ['revoke', id, '--attest', '--reason', REASON]);
    expect(session).toMatchObject({ code: 5, stdout: '' });
  });

  test.each([
    [['revoke', 'ID', '--attest'], '--attest needs --reason'],
    [['revoke', 'ID', '--reason', REASON], '--reason needs --attest'],
    [['revoke', '--prefix', 'ci', '--attest', '--reason', REASON], 'need the ID of a lease'],
    [['revoke', '--mine', '--reason', REASON], 'need the ID of a lease'],
    [['revoke', '--attest', '--reason', REASON], 'expected exactly one of ID'],
  ])('%j is a mistake, and revokes nothing', async (command, problem) => {
    const id = await leaseId();
    const words = command.map((word) => (word === 'ID' ? id : word));
    expect(await desk.type('ADMIN', words)).toMatchObject({ code: 2, stderr: expect.stringContaining(problem) });
    expect((await desk.api.ports.leases.get(id))?.status).toBe('active');
  });
});

describe('hublease show', () => {
  test('says in words why a lease is open, and shows administrators what blocks it', async () => {
    const id = await blocked(NOW_MS - 5 * MINUTE_MS);
    const { stdout } = await desk.type('ADMIN', `show ${id} --all`);
    expect(stdout).toMatch(/^lastError +unclear_token$/m);
    expect(stdout).toMatch(/^still open +Docker Hub lists a token that may belong to this lease, but its label/m);
    expect(stdout).toMatch(new RegExp(`^blockedBy +${TOKEN_ID}$`, 'm'));
    expect(stdout).toMatch(/^revokingSince +\S+Z \(5 minutes ago\)$/m);
    expect(stdout).toMatch(/^hubExpiresAt +\S+Z \(in 15 minutes\)$/m);
    const own = (await desk.type('CI', `show ${id}`)).stdout;
    expect(own).toMatch(/^still open/m);
    expect(own).not.toContain(TOKEN_ID);
  });

  test.each([
    ['hub_unavailable:timeout', 'Docker Hub failed (timeout)'],
    ['hub_refused:forbidden', 'Docker Hub refused (forbidden)'],
    ['quiet_period', 'the token was not found, but Docker Hub may still list it'],
    ['something_new', 'something_new'],
    ['constructor', 'constructor'],
  ])('says what %s means', async (lastError, words) => {
    const id = await leaseId();
    await rewrite(id, { status: 'revoking', lastError });
    const [line] = (await desk.type('CI', `show ${id}`)).stdout.match(/^still open.*$/m) ?? [];
    expect(line?.replace(/^still open +/, '')).toBe(words);
  });

  test.each([
    [{ kind: 'deleted', httpStatus: 404, confirmedBy: 'gone' }, 'answered 404, and no longer has or lists the token'],
    [{ kind: 'deleted', httpStatus: 202, confirmedBy: 'inactive' }, 'answered 202, and shows the token as inactive'],
    [
      {
        kind: 'absent',
        quietUntilMs: NOW_MS,
        firstListingAtMs: NOW_MS,
        secondListingAtMs: NOW_MS,
        tokensListed: 4,
        removedTokenIds: [],
      },
      'absent: two complete lists did not contain it (2026-11-21T09:00:00.000Z and 2026-11-21T09:00:00.000Z, 4 tokens)',
    ],
    [
      {
        kind: 'absent',
        quietUntilMs: NOW_MS,
        firstListingAtMs: NOW_MS,
        secondListingAtMs: NOW_MS,
        tokensListed: 4,
        removedTokenIds: ['one', 'two'],
      },
      '4 tokens), after hublease deleted one two',
    ],
    [
      { kind: 'expired', hubDateMs: NOW_MS, hubExpiresAtMs: NOW_MS },
      "expired: Docker Hub's clock showed 2026-11-21T09:00:00.000Z, after the expiry that Docker Hub reported (2026-11-21T09:00:00.000Z)",
    ],
  ])('says what the evidence %j shows', async (evidence, words) => {
    const id = await leaseId();
    await rewrite(id, { status: 'revoked', revokedAtMs: NOW_MS, evidence: { ...evidence, atMs: NOW_MS } });
    const [line] = (await desk.type('CI', `show ${id}`)).stdout.match(/^evidence.*$/m) ?? [];
    expect(line).toContain(words);
  });
});

describe('a token that Docker Hub ends early', () => {
  const WARNING =
    'warning: Docker Hub ends this token earlier than requested: at 2026-11-21T09:10:00.000Z (in 10 minutes)\n';

  test.each(['lease ci/release -o env', 'exec ci/release -- true'])('is told of in one line by %s', async (command) => {
    expect((await desk.type('CI', command)).stderr).toBe('');
    tokensEndAfter(10 * MINUTE_MS);
    expect(await desk.type('CI', command)).toMatchObject({ code: 0, stderr: WARNING });
  });

  test('is told of by hublease login', async () => {
    expect((await desk.type('CI', 'login ci/release')).stderr).not.toContain('warning');
    tokensEndAfter(10 * MINUTE_MS);
    const { code, stderr } = await desk.type('CI', 'login ci/release');
    expect(code).toBe(0);
    expect(stderr).toContain(WARNING);
  });
});

describe('hublease targets dismiss', () => {
  test('says what it means, and is kept on the target', async () => {
    expect(await desk.type('ADMIN', `targets dismiss acme ${TOKEN_ID} other`)).toEqual({
      code: 0,
      stdout: '',
      stderr:
        `target acme: ${TOKEN_ID} other dismissed\n` +
        '  They keep no lease open any more, and hublease does not delete them.\n',
    });
    expect((await desk.type('ADMIN', 'targets get acme')).stdout).toContain(
      `dismissedTokenIds:\n  - ${TOKEN_ID}\n  - other\n`,
    );
  });

  test('is for administrators only, and takes ids only', async () => {
    expect(await desk.type('CI', `targets dismiss acme ${TOKEN_ID}`)).toMatchObject({ code: 5 });
    const { code, stdout, stderr } = await desk.type('ADMIN', 'targets dismiss acme dckr_pat_canary');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toContain('canary');
  });
});

describe('hublease targets verify', () => {
  test('warns of what is inexact', async () => {
    tokensEndAfter(1_800_000 + 3_600_000 - 1_000);
    const { code, stdout, stderr } = await desk.type('ADMIN', 'targets verify acme');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'warning: Docker Hub ends tokens up to an hour later than asked. A token whose delete fails lives up to an hour longer than its lease.\n',
    });
    expect(stdout).toMatch(/^expirySlackSeconds +3600$/m);
    expect(stdout).not.toContain('warnings');
  });

  test('says what Docker Hub has yet to do', async () => {
    deletesFail();
    const { code, stderr } = await desk.type('ADMIN', 'targets verify acme');
    expect(code).toBe(8);
    expect(stderr).toContain('Docker Hub took too long to verify "acme"\n  Docker Hub has accepted the delete');
  });
});

describe('hublease targets apply', () => {
  const apply = (document: object) =>
    desk.type('ADMIN', 'targets apply -f -', { stdin: JSON.stringify({ kind: 'Target', name: 'acme', ...document }) });

  test('compares what can be set, and nothing of what was learned or dismissed', async () => {
    await desk.type('ADMIN', `targets dismiss acme ${TOKEN_ID}`);
    await learn({ listing: { code: 'malformed', sinceMs: NOW_MS } });
    expect(await apply({})).toMatchObject({ code: 0, stdout: '', stderr: 'target acme: unchanged\n' });
    const { stdout, stderr } = await apply({ allowUnprovenExpiry: true });
    expect(stdout).toContain('-allowUnprovenExpiry: false\n+allowUnprovenExpiry: true\n');
    for (const name of ['state', 'dismissedTokenIds', 'verification']) expect(stdout).not.toContain(name);
    expect(stderr).toBe('target acme: changed\n');
  });

  test('says what a verification waits for, or warns of', async () => {
    const credential = { username: 'acmebot', password: 'correct-horse-canary' };
    tokensEndAfter(1_800_000 + MINUTE_MS);
    const warned = await desk.type('ADMIN', 'targets apply -f - --credentials', {
      stdin: JSON.stringify({ kind: 'Target', name: 'acme', credential }),
    });
    expect(warned.stderr).toMatch(/^target acme: changed\n {2}warning: Docker Hub ends tokens up to a minute later/);
    deletesFail();
    const pending = await desk.type('ADMIN', 'targets apply -f - --credentials', {
      stdin: JSON.stringify({ kind: 'Target', name: 'acme', credential }),
    });
    expect(pending.stderr).toMatch(/took too long to verify it.*\n {2}Docker Hub has accepted the delete/);
  });
});

describe('hublease doctor', () => {
  const doctor = (as: 'ADMIN' | 'CI' = 'ADMIN') => desk.type(as, 'doctor');
  const linesOf = (stdout: string) => stdout.split('\n').filter((line) => /^(?:ok|warning|FAILED) +target /.test(line));

  beforeEach(() => {
    mkdirSync(join(desk.home, '.docker'));
    writeFileSync(join(desk.home, '.docker', 'config.json'), '{}');
  });

  test('looks at the targets for administrators alone', async () => {
    expect(linesOf((await doctor('CI')).stdout)).toEqual([]);
    expect(linesOf((await doctor()).stdout)).toEqual(['ok       target        acme: no problem found']);
  });

  test.each([
    ['expiry_refused', 'Docker Hub does not keep the expiry of its tokens', 'With allowUnprovenExpiry'],
    ['label_refused', 'Docker Hub does not keep the label of its tokens', 'hublease targets verify acme'],
    ['list_lags', 'Docker Hub does not list a new token within 15 minutes', 'hublease targets verify acme'],
  ] as const)('names a target that gives no leases for %s, since when, and what to do', async (code, why, next) => {
    await learn({ refusal: { code, sinceMs: NOW_MS - 5 * MINUTE_MS, triedAtMs: NOW_MS - MINUTE_MS } });
    const { code: exitCode, stdout } = await doctor();
    expect(exitCode).toBe(8);
    expect(stdout).toContain(
      `FAILED   target        acme: gives no leases since 2026-11-21T08:55:00.000Z (5 minutes ago): ${why} (${code})\n`,
    );
    expect(stdout).toContain(next);
    expect(stdout.includes('allowUnprovenExpiry')).toBe(code === 'expiry_refused');
  });

  test('names an account that Docker Hub denies', async () => {
    await learn({ listing: { code: 'account_unreachable', sinceMs: NOW_MS } });
    const { code, stdout } = await doctor();
    expect(code).toBe(8);
    expect(linesOf(stdout)).toEqual([
      'FAILED   target        acme: Docker Hub denies access to its account since 2026-11-21T09:00:00.000Z (now). None of its leases can be proven revoked',
    ]);
  });

  test('names a list that cannot be used', async () => {
    await learn({ listing: { code: 'malformed', sinceMs: NOW_MS - 2 * 3_600_000 } });
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(linesOf(stdout)).toEqual([
      'warning  target        acme: its list of tokens cannot be used since 2026-11-21T07:00:00.000Z (2 hours ago) (malformed)',
    ]);
  });

  test('names a blocked lease after ten minutes, with the command that dismisses its tokens', async () => {
    const id = await blocked(NOW_MS - 10 * MINUTE_MS + 1);
    expect(linesOf((await doctor()).stdout)).toEqual(['ok       target        acme: no problem found']);
    await later(1);
    const { stdout } = await doctor();
    expect(linesOf(stdout)).toEqual([
      `warning  target        acme: lease ${id} is blocked since 2026-11-21T08:50:00.001Z (10 minutes ago) by ${TOKEN_ID}, which may be its token`,
    ]);
    expect(stdout).toContain(`hublease targets dismiss acme ${TOKEN_ID}\n`);
  });

  test.each([
    ['the cap that was met', { cap: { tokens: 10, atMs: NOW_MS } }, 8, 10],
    ['the quota of the target', {}, 80, 100],
  ])('names what holds the places of an organization, from four fifths of %s on', async (_, cap, tokens, most) => {
    const target = await desk.api.ports.catalog.getTarget('acme');
    if (target === undefined) throw new Error('the target is there');
    await desk.api.ports.catalog.putTarget({ ...target, maxActive: 100, version: target.version + 1 });
    const places = { atMs: NOW_MS, foreign: 3, expired: 2 };
    await learn({ ...cap, places: { ...places, tokens: tokens - 1 } });
    expect(linesOf((await doctor()).stdout)).toEqual(['ok       target        acme: no problem found']);
    await learn({ ...cap, places: { ...places, tokens } });
    expect(linesOf((await doctor()).stdout)).toEqual([
      `warning  target        acme: ${tokens} of ${most} tokens are in use. 2 are expired or inactive, and hublease did not make 3`,
    ]);
    await learn({ ...cap, places: { atMs: NOW_MS, foreign: 0, expired: 0, tokens } });
    expect(linesOf((await doctor()).stdout)).toEqual(['ok       target        acme: no problem found']);
  });

  test('names a verification that waits for the list', async () => {
    await learn({ pendingVerification: { leaseId: 'lease', tokenId: TOKEN_ID, createdAtMs: NOW_MS - MINUTE_MS } });
    expect(linesOf((await doctor()).stdout)).toEqual([
      `warning  target        acme: its verification waits since 2026-11-21T08:59:00.000Z (1 minute ago) for Docker Hub to list ${TOKEN_ID}`,
    ]);
  });

  test('repeats the warnings of the verification, and names all that is wrong', async () => {
    await verified({ expirySlackSeconds: 86_400 });
    await learn({
      refusal: { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS },
      listing: { code: 'timeout', sinceMs: NOW_MS },
    });
    const lines = linesOf((await doctor()).stdout);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain('warning  target        acme: Docker Hub ends tokens up to a day later than asked.');
  });

  test('says when the targets cannot be looked at', async () => {
    const { catalog } = desk.api.ports;
    const listTargets = () => Promise.reject(new Error('canary'));
    desk.api.ports = { ...desk.api.ports, catalog: { ...catalog, listTargets } };
    const { code, stdout } = await doctor();
    expect(code).toBe(7);
    expect(linesOf(stdout)).toEqual([expect.stringMatching(/^FAILED +target +not now: hublease could not read/)]);
  });
});

test('the words for why a lease is open are those that the runbook has', () => {
  const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
  const words = readFileSync(join(import.meta.dirname, '../../cli/lease-words.ts'), 'utf8');
  const codes = [...words.matchAll(/^ {2}([a-z_]+): /gm)]
    .map(([, code = '']) => code)
    .filter((code) => code !== 'busy');
  expect(codes.length).toBeGreaterThan(10);
  for (const code of codes) expect(runbook).toContain(`\`${code}\``);
});
