import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { OPERATIONS } from '../../functions/wire/operations.ts';
import { mayPull } from '../local/harness.ts';
import { as, openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
});
afterAll(() => terminal.close());

const Lease = OPERATIONS.getLease.answers[200].schema.shape.lease;

async function leaseId(secret = 'ci/release'): Promise<string> {
  return (await terminal.type(`lease ${secret} --field lease.id`)).stdout.trim();
}

async function statusOf(id: string): Promise<string> {
  return JSON.parse((await terminal.type(`show ${id} -o json`)).stdout).status;
}

describe('hublease leases', () => {
  test('lists your own, with the time that each has left', async () => {
    const id = await leaseId();
    const { code, stdout } = await terminal.type('leases --status active');
    expect(code).toBe(0);
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head?.split(/ {2,}/)).toEqual(['LEASE', 'SECRET', 'STATUS', 'EXPIRES', 'LABEL']);
    expect(lines[0]).toMatch(new RegExp(`^${id}  ci/release +active +in 1[45] minutes$`));
  });

  test('-o json is a list of leases of the API', async () => {
    await leaseId();
    const { stdout } = await terminal.type('leases -o json --secret ci/release --limit 1');
    expect(z.array(Lease).length(1).safeParse(JSON.parse(stdout)).error).toBeUndefined();
  });

  test('goes on from page to page', async () => {
    const ids = [await leaseId(), await leaseId(), await leaseId()];
    const { stdout } = await terminal.type('leases -o json --limit 3');
    expect(JSON.parse(stdout).map(({ id }: { id: string }) => id)).toEqual(ids.toReversed());
  });

  test("--all is everybody's, for administrators only", async () => {
    const id = await leaseId();
    const { stdout } = await terminal.type('leases --all', as('hublease-admin'));
    expect(stdout).toContain(id);
    expect(stdout).toContain('arn:aws:iam::111122223333:role/ci');
    expect(await terminal.type('leases --all')).toMatchObject({ code: 5, stdout: '' });
  });
});

describe('hublease show', () => {
  test('says the times as people do', async () => {
    const { stdout } = await terminal.type(`show ${await leaseId()}`);
    expect(stdout).toMatch(/^expiresAt +\S+Z \(in 1[45] minutes\)$/m);
    expect(stdout).toMatch(/^issuedAt +\S+Z \((?:now|\d seconds? ago)\)$/m);
  });

  test('--live adds what Docker Hub says', async () => {
    const { stdout } = await terminal.type(`show ${await leaseId()} --live -o json`);
    expect(Lease.parse(JSON.parse(stdout)).live).toEqual({
      found: true,
      isActive: true,
      lastUsedAt: null,
      asOf: expect.any(String),
    });
  });

  test('shows the evidence once revoked', async () => {
    const id = await leaseId();
    await terminal.type(`revoke ${id}`);
    expect((await terminal.type(`show ${id}`)).stdout).toMatch(
      /^evidence +deleted: Docker Hub answered 204 \(\S+Z\)$/m,
    );
  });

  test("somebody else's is not found, except with --all by an administrator", async () => {
    const id = await leaseId();
    expect(await terminal.type(`show ${id}`, as('hublease-other'))).toMatchObject({ code: 6 });
    expect(await terminal.type(`show ${id} --all`, as('hublease-admin'))).toMatchObject({ code: 0 });
  });

  test('--watch counts down to the end, on a terminal', async () => {
    const { stdout } = await terminal.type('lease ci/release --ttl 2s --field lease.id');
    const { stderr } = await terminal.type(`show ${stdout.trim()} --watch`, { terminal: true });
    expect(stderr).toMatch(/^(?:\r00:00:0[12] left)+\rexpired {6}\n$/);
  });
});

describe('hublease renew', () => {
  test('prints the new end', async () => {
    const id = await leaseId('ci/renewable');
    const { code, stdout } = await terminal.type(`renew ${id} --ttl 10m`);
    expect(code).toBe(0);
    expect(Date.parse(stdout.trim()) - Date.now()).toBeGreaterThan(500_000);
  });

  test('-o json is the answer of the API', async () => {
    const { stdout } = await terminal.type(`renew ${await leaseId('ci/renewable')} -o json`);
    expect(OPERATIONS.renewLease.answers[200].schema.safeParse(JSON.parse(stdout)).error).toBeUndefined();
  });

  test('says when the end cannot be put off any further', async () => {
    const id = await leaseId('ci/renewable');
    const { stderr } = await terminal.type(`renew ${id} --ttl 2h`);
    expect(stderr).toBe(`${id} has reached its maximum lifetime and cannot be extended further\n`);
  });

  test('a lease that is not renewable says so', async () => {
    const { code, stderr } = await terminal.type(`renew ${await leaseId()}`);
    expect(code).toBe(1);
    expect(stderr).toContain('Take a new lease.');
  });
});

describe('hublease revoke', () => {
  test('ends one', async () => {
    const { lease, credential } = JSON.parse((await terminal.type('lease ci/release -o json')).stdout);
    expect(await terminal.type(`revoke ${lease.id}`)).toEqual({ code: 0, stdout: 'revoked\n', stderr: '' });
    expect(await mayPull(terminal.edition.hub, 'acme-bot', credential.password)).toBe(false);
  });

  test('may be repeated', async () => {
    const id = await leaseId();
    await terminal.type(`revoke ${id}`);
    expect(await terminal.type(`revoke ${id}`)).toEqual({ code: 0, stdout: 'revoked\n', stderr: '' });
  });

  test('goes on by itself when Docker Hub is away, and says so', async () => {
    const id = await leaseId();
    terminal.edition.hub.control.setFaults([{ route: 'pat-delete', kind: 'server-error' }]);
    const session = await terminal.type(`revoke ${id}`);
    terminal.edition.hub.control.setFaults([]);
    expect(session).toEqual({
      code: 0,
      stdout: 'revoking\n',
      stderr: 'not proven yet: Docker Hub failed (server_error). hublease continues by itself\n',
    });
  });

  test('--mine ends all of your own', async () => {
    const ids = [await leaseId(), await leaseId()];
    const { code, stdout } = await terminal.type('revoke --mine');
    expect(code).toBe(0);
    for (const id of ids) expect(stdout).toContain(`${id} revoked\n`);
    expect(await terminal.type('revoke --mine')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('nothing to revoke'),
    });
  });

  test.each([
    ['--prefix ci', 'everything below a prefix'],
    ['--target acme-bot', 'everything of a target'],
    ['--caller arn:aws:iam::111122223333:role/ci', 'everything of a role'],
  ])('%s ends %s', async (selector) => {
    const id = await leaseId();
    const { code, stdout, stderr } = await terminal.type(`revoke ${selector}`, as('hublease-admin'));
    expect(code).toBe(0);
    expect(stdout).toContain(id);
    expect(stderr).toMatch(/^leases being revoked: \d+\n$/);
    await expect.poll(() => statusOf(id), { timeout: 20_000 }).toBe('revoked');
  });

  test('--leaked - ends the lease of a token, of which only the hash travels', async () => {
    const minted = JSON.parse((await terminal.type('lease ci/release -o json')).stdout);
    const stdin = `${minted.credential.password}\n`;
    const { code, stdout, stderr } = await terminal.type('revoke --leaked -', { ...as('hublease-admin'), stdin });
    expect(code).toBe(0);
    expect(stdout).toContain(minted.lease.id);
    expect(stdout + stderr).not.toContain(minted.credential.password);
    await expect.poll(() => mayPull(terminal.edition.hub, 'acme-bot', minted.credential.password)).toBe(false);
  });

  test('what is no token is not sent', async () => {
    const session = await terminal.type('revoke --leaked -', { ...as('hublease-admin'), stdin: 'hunter2' });
    expect(session).toMatchObject({ code: 2, stderr: 'hublease: standard input is not a Docker Hub token\n' });
  });

  test("an administrator ends anybody's with --all", async () => {
    const id = await leaseId();
    expect(await terminal.type(`revoke ${id}`, as('hublease-admin'))).toMatchObject({ code: 6 });
    expect(await terminal.type(`revoke ${id} --all`, as('hublease-admin'))).toMatchObject({
      code: 0,
      stdout: 'revoked\n',
    });
  });
});

describe('hublease whoami', () => {
  test('prints who you are and what you may lease', async () => {
    const { code, stdout } = await terminal.type('whoami');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^arn:aws:iam::111122223333:role\/ci\nunique id AROA[A-Z0-9]{17}\nSECRET +SCOPE +TTL +MAX TTL\n/,
    );
    expect(stdout).toMatch(/^ci\/release +repo:write +900 s +3600 s$/m);
  });

  test('says when that is nothing', async () => {
    const { stdout } = await terminal.type('whoami', as('hublease-other'));
    expect(stdout).toMatch(
      /^arn:aws:iam::444455556666:role\/other\nunique id AROA[A-Z0-9]{17}\nyou may lease from no secret\n$/,
    );
  });

  test('-o json is the answer of the API', async () => {
    const { stdout } = await terminal.type('whoami -o json');
    expect(OPERATIONS.whoami.answers[200].schema.safeParse(JSON.parse(stdout)).error).toBeUndefined();
  });
});
