import { createHash } from 'node:crypto';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from './deployment.ts';
import { ACCOUNT, type Aws, type Installation, prepare } from './installation.ts';
import { deliver } from './triggers.ts';

const MINT = { method: 'POST', path: '/v1/lease/ci/release' };
const AFTER_TTL_MS = 901_000;
/** How long an index may lag, and so how long a deletion waits for leases to show. */
const SETTLE_MS = 60_000;

/** The tests of a lease from its mint to its end. @param aws both servers, once they run. */
export function leaseLife(aws: () => Aws): void {
  describe('the functions over DynamoDB, Secrets Manager, Scheduler, SQS, KMS and CloudWatch', () => {
    let installation: Installation;
    let functions: Deployment;
    beforeEach(async () => {
      installation = await aws().install();
      functions = installation.deploy();
      await prepare(installation);
    });
    afterEach(() => {
      const logged = installation.log.join('');
      expect(logged).not.toContain(ACCOUNT.password);
      expect(logged).not.toContain('dckr_');
    });

    /** Finds out how Docker Hub behaves, so that no more is waited for than it takes. */
    async function verify() {
      const body = JSON.stringify({ action: 'verify' });
      const answer = await functions.admin({ method: 'POST', path: '/v1/admin/targets/bot', body });
      expect(answer.status).toBe(200);
    }

    async function mint() {
      const { status, body } = await functions.broker(MINT);
      expect(status).toBe(201);
      return body as {
        lease: { id: string; tokenId: string; issuedAt: string; expiresAt: string };
        credential: { password: string };
      };
    }

    describe('a mint by a signed-in caller', () => {
      it('answers a token that Docker Hub has, for its account, scope and time', async () => {
        const { lease, credential } = await mint();
        expect(credential).toEqual({ registry: 'docker.io', username: 'acme-bot', password: expect.any(String) });
        const token = installation.hub.control.tokens().find(({ id }) => id === lease.tokenId);
        expect(token).toMatchObject({ account: 'acme-bot', scopes: ['repo:write'], live: true });
        expect(token?.label).toContain(lease.id);
        expect(Date.parse(lease.expiresAt) - Date.parse(lease.issuedAt)).toBe(900_000);
        expect(token?.expiresAtMs).toBe(nextSecond(Date.parse(lease.expiresAt)));
      });

      it('writes a lease row that the indexes know, without the token and without a time to live', async () => {
        const { lease, credential } = await mint();
        const row = await installation.leaseRow(lease.id);
        expect(row).toMatchObject({
          schema: 1,
          status: 'active',
          secret: 'ci/release',
          target: 'bot',
          hubAccount: 'acme-bot',
          caller: 'arn:aws:iam::111122223333:role/ci',
          tokenId: lease.tokenId,
          tokenSha256: createHash('sha256').update(credential.password).digest('hex'),
          expiresAtMs: Date.parse(lease.expiresAt),
          dueAtMs: Date.parse(lease.expiresAt),
        });
        expect(row?.dueAt).toBe(`${String(Date.parse(lease.expiresAt)).padStart(15, '0')}#${lease.id}`);
        expect(row).not.toHaveProperty('ttlAt');
        expect(JSON.stringify(row)).not.toContain(credential.password);
      });

      it('puts a timer that runs out with the lease', async () => {
        const { lease } = await mint();
        expect(await installation.timerRow(lease.id)).toEqual({
          leaseId: lease.id,
          row: 'timer',
          schema: 1,
          ttlAt: Math.ceil(Date.parse(lease.expiresAt) / 1_000),
        });
      });

      it('arms a job of the installation’s group that tells the queue at the end, keeps what fails and deletes itself', async () => {
        const { lease } = await mint();
        const { settings } = installation;
        expect(await installation.schedule(lease.id)).toMatchObject({
          GroupName: settings.scheduleGroup,
          Name: `lease-${lease.id}`,
          ScheduleExpression: `at(${new Date(nextSecond(Date.parse(lease.expiresAt))).toISOString().slice(0, 19)})`,
          ScheduleExpressionTimezone: 'UTC',
          FlexibleTimeWindow: { Mode: 'OFF' },
          ActionAfterCompletion: 'DELETE',
          Target: {
            Arn: settings.queueArn,
            RoleArn: settings.scheduleRoleArn,
            Input: JSON.stringify({ leaseId: lease.id }),
            DeadLetterConfig: { Arn: settings.scheduleDeadLetterArn },
            RetryPolicy: { MaximumEventAgeInSeconds: 3_600 },
          },
        });
      });

      it('logs in once and shares the session, sealed, with every other function', async () => {
        await mint();
        await installation.deploy().broker(MINT);
        expect(installation.hub.control.calls().logins['acme-bot']).toMatchObject({ succeeded: 1 });
        const row = await installation.catalogRow('session', 'bot');
        expect(row).toMatchObject({ account: 'acme-bot', sealedBearer: expect.stringMatching(/^s1\./) });
        expect(row).not.toHaveProperty('claimUntilMs');
      });

      it('writes down who was granted what, and never the token', async () => {
        const { lease, credential } = await mint();
        const granted = (await installation.auditEvents()).filter(({ leaseId }) => leaseId === lease.id);
        expect(granted).toEqual([
          expect.objectContaining({
            event: 'lease.granted',
            caller: 'arn:aws:iam::111122223333:role/ci',
            sourceIp: '203.0.113.7',
            secret: 'ci/release',
            tokenId: lease.tokenId,
          }),
        ]);
        expect(JSON.stringify(granted)).not.toContain(credential.password);
      });

      it('is refused to a caller whom the secret does not list, and leaves nothing behind', async () => {
        const userArn = 'arn:aws:sts::444455556666:assumed-role/other/build-7';
        const refused = await functions.broker({ ...MINT, userArn });
        expect(refused).toMatchObject({ status: 403, body: { code: 'caller_not_allowed' } });
        expect(refused.body.detail).toContain('arn:aws:iam::444455556666:role/other');
        expect(await installation.leases()).toEqual([]);
        expect(installation.hub.control.tokens()).toEqual([]);
      });

      it('shows its owner the lease, and to nobody else that there is one', async () => {
        const { lease } = await mint();
        const path = `/v1/leases/${lease.id}`;
        expect(await functions.broker({ path })).toMatchObject({ status: 200, body: { lease: { id: lease.id } } });
        const userArn = 'arn:aws:sts::111122223333:assumed-role/ci-other/build-7';
        for (const method of ['GET', 'DELETE'])
          expect(await functions.broker({ method, path, userArn })).toMatchObject({ status: 404 });
        expect(installation.liveTokens()).toEqual([lease.tokenId]);
      });

      it('is revoked at its owner’s word, once and for all', async () => {
        const { lease } = await mint();
        const revoke = { method: 'DELETE', path: `/v1/leases/${lease.id}` };
        for (let times = 0; times < 2; times++) {
          expect(await functions.broker(revoke)).toMatchObject({
            status: 200,
            body: { lease: { status: 'revoked', evidence: { kind: 'deleted' } } },
          });
        }
        expect(installation.liveTokens()).toEqual([]);
        expect(installation.hub.control.deletions().filter(({ id }) => id === lease.tokenId)).toHaveLength(1);
        const row = await installation.leaseRow(lease.id);
        expect(row).not.toHaveProperty('dueAt');
        expect(row?.ttlAt).toBeGreaterThan(installation.clock.nowMs() / 1_000 + 29 * 86_400);
      });
    });

    describe('an admin', () => {
      const put = (path: string, body: object) =>
        functions.admin({ method: 'PUT', path: `/v1/admin/${path}`, body: JSON.stringify(body) });

      it('puts a target whose password goes to Secrets Manager alone', async () => {
        const answer = await put('targets/second', { kind: 'user', credential: ACCOUNT });
        expect(answer).toMatchObject({ status: 201, body: { target: { name: 'second', username: 'acme-bot' } } });
        expect(answer.text).not.toContain(ACCOUNT.password);
        expect(JSON.parse((await installation.targetSecret('second')) as string)).toEqual(ACCOUNT);
        expect(JSON.stringify(await installation.catalogRow('target', 'second'))).not.toContain(ACCOUNT.password);
        expect(installation.liveTokens()).toEqual([]);
      });

      it('cannot make a password current that Docker Hub refuses, new target or old', async () => {
        const credential = { username: 'acme-bot', password: 'mistyped-canary' };
        for (const name of ['bot', 'second']) {
          const answer = await put(`targets/${name}`, { kind: 'user', credential });
          expect(answer).toMatchObject({ status: 422, body: { code: 'credential_refused' } });
          expect(answer.text).not.toContain('canary');
        }
        expect(await installation.targetSecret('bot')).toContain(ACCOUNT.password);
        expect(await installation.targetSecret('second')).not.toContain('canary');
        expect(await installation.catalogRow('target', 'second')).toBeUndefined();
        await mint();
      });

      it('replaces a password under leases, which are then revoked with the new one', async () => {
        await mint();
        installation.hub.control.setPassword('acme-bot', 'second-password-canary');
        installation.hub.control.endSessions();
        const credential = { username: 'acme-bot', password: 'second-password-canary' };
        expect(await put('targets/bot', { kind: 'user', credential })).toMatchObject({ status: 200 });
        installation.clock.advance(AFTER_TTL_MS);
        await functions.sweeper();
        await deliver(installation, functions);
        expect(installation.liveTokens()).toEqual([]);
      });

      it('deletes a target with its password, once its leases have ended', async () => {
        await mint();
        const force = { force: ['true'] };
        const remove = (path: string) => functions.admin({ method: 'DELETE', path: `/v1/admin/${path}`, query: force });
        expect(await remove('secrets/ci/release')).toMatchObject({ status: 202, body: { openLeases: 1 } });
        expect(await remove('targets/bot')).toMatchObject({ status: 202, body: { openLeases: 1 } });
        expect(await functions.broker(MINT)).toMatchObject({ status: 409, body: { code: 'draining' } });
        installation.clock.advance(AFTER_TTL_MS + SETTLE_MS);
        await functions.sweeper();
        await deliver(installation, functions);
        await functions.sweeper();
        expect(await installation.catalogRow('secret', 'ci/release')).toBeUndefined();
        expect(await installation.catalogRow('target', 'bot')).toBeUndefined();
        expect(await installation.catalogRow('session', 'bot')).toBeUndefined();
        expect(await installation.targetSecret('bot')).toBeUndefined();
        expect(installation.liveTokens()).toEqual([]);
      });
    });

    describe('a sweep', () => {
      it('hands the leases that are due to the revoker, and leaves the others', async () => {
        const { lease } = await mint();
        installation.clock.advance(AFTER_TTL_MS);
        const later = await mint();
        expect(await functions.sweeper()).toMatchObject({ due: 1, targets: 1, failures: [] });
        await deliver(installation, functions);
        expect(await installation.leaseRow(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'expired' });
        expect(installation.liveTokens()).toEqual([later.lease.tokenId]);
      });

      it('closes a lease whose mint died before its token was recorded', async () => {
        await verify();
        installation.hub.control.setFaults([{ route: 'pat-create', kind: 'reset-after', count: 1 }]);
        expect(await functions.broker(MINT)).toMatchObject({ status: 503 });
        expect(installation.liveTokens()).toHaveLength(1);
        // Past the quiet period, in which a create may still land.
        installation.clock.advance(120_000);
        await functions.sweeper();
        await deliver(installation, functions);
        expect(installation.liveTokens()).toEqual([]);
        const leases = (await installation.leases()).filter(({ secret }) => secret === 'ci/release');
        expect(leases).toMatchObject([{ status: 'revoked', revokeReason: 'mint_failed' }]);
      });

      it('verifies a target whose mints are refused, and lets them through again when that passes', async () => {
        await verify();
        const atMs = installation.clock.nowMs();
        await installation.learn('bot', { refusal: { code: 'label_refused', sinceMs: atMs, triedAtMs: atMs } });
        expect(await functions.broker(MINT)).toMatchObject({ status: 502, body: { code: 'label_refused' } });
        installation.clock.advance(3_600_000);
        expect(await functions.sweeper()).toMatchObject({ failures: [] });
        expect(await installation.auditEvents()).toContainEqual(
          expect.objectContaining({ event: 'target.verified', target: 'bot', caller: 'hublease:sweep' }),
        );
        expect(installation.liveTokens()).toEqual([]);
        await mint();
      });

      it('revokes an orphan, and touches no token of anybody else', async () => {
        const { lease } = await mint();
        const foreign = installation.hub.control.createForeignToken({
          account: 'acme-bot',
          kind: 'pat',
          label: 'laptop',
        });
        const { client, tableName } = installation.leaseTable;
        await client.send(new DeleteCommand({ TableName: tableName, Key: { leaseId: lease.id, row: 'lease' } }));
        expect(await functions.sweeper()).toMatchObject({ found: { ours: 1, orphans: 1 } });
        expect(await installation.leaseRow(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'orphan' });
        expect(installation.liveTokens()).toEqual([foreign.id]);
      });

      it('takes up again a lease that reads revoked while its token lives', async () => {
        const { lease } = await mint();
        await functions.broker({ method: 'DELETE', path: `/v1/leases/${lease.id}` });
        // Another create of this lease that lands late.
        const { label } = installation.hub.control.tokens().find(({ id }) => id === lease.tokenId) ?? { label: '' };
        installation.hub.control.createForeignToken({ account: 'acme-bot', kind: 'pat', label });
        expect(await functions.sweeper()).toMatchObject({ found: { reopened: 1 } });
        expect(installation.liveTokens()).toEqual([]);
        expect(await installation.leaseRow(lease.id)).toMatchObject({ status: 'revoked', reopened: 1 });
      });
    });
  });
}

function nextSecond(atMs: number): number {
  return Math.ceil(atMs / 1_000) * 1_000;
}
