import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { ACCOUNT } from './hub.ts';
import { CI_ARN, type Installation, type Minted, mint, PLATFORM_ARN, pulls } from './installation.ts';

/** The target and the secret of the story. Later tests lease from them, too. */
export const STORY = { target: 'acme-bot', secret: 'ci/release' };

/** Tests the story of `npm run demo` over API Gateway. */
export function storyTests(installation: () => Installation): void {
  describe('the story of the demo', () => {
    let minted: Minted;

    it('creates a target: a login proves its password, and no answer contains it', async () => {
      const { as, hub, clients } = installation();
      const body = { kind: 'user', credential: ACCOUNT };
      const put = await as(PLATFORM_ARN).call('putTarget', { name: STORY.target, body });
      expect(put).toMatchObject({ status: 201, body: { target: { status: 'ready', username: ACCOUNT.username } } });
      expect(JSON.stringify(put.body)).not.toContain(ACCOUNT.password);
      expect(hub.control.calls().logins[ACCOUNT.username]).toEqual({ succeeded: 1, failed: 0 });
      const { SecretList } = await clients.secrets.send(new ListSecretsCommand());
      expect(SecretList?.map(({ Name }) => Name)).toContainEqual(expect.stringMatching(/^hublease\/.*\/acme-bot$/));
    });

    it('creates a dynamic secret', async () => {
      const put = await installation()
        .as(PLATFORM_ARN)
        .call('putSecret', {
          name: STORY.secret,
          body: {
            target: STORY.target,
            scope: 'repo:write',
            defaultTtl: '15m',
            maxTtl: '1h',
            renewable: true,
            allow: ['arn:aws:iam::111122223333:role/ci*'],
          },
        });
      expect(put.status).toBe(201);
    });

    it('refuses a role that is not listed, and a request without a caller', async () => {
      const other = installation().as('arn:aws:sts::111122223333:assumed-role/web/build-7');
      const notListed = { problem: { status: 403, code: 'caller_not_allowed' } };
      await expect(other.call('mintLease', { name: STORY.secret })).rejects.toMatchObject(notListed);
      const unknown = { problem: { status: 403, code: 'caller_unknown' } };
      await expect(installation().as('').call('mintLease', { name: STORY.secret })).rejects.toMatchObject(unknown);
    });

    it('mints a token that can pull a private image', async () => {
      const { hub } = installation();
      minted = await mint(installation(), STORY.secret, '10m');
      expect(minted.lease).toMatchObject({
        status: 'active',
        ttlSeconds: 600,
        caller: 'arn:aws:iam::111122223333:role/ci',
      });
      const onHub = hub.control.tokens().find(({ id }) => id === minted.lease.tokenId);
      expect(onHub?.expiresAtMs).not.toBeNull();
      expect(await pulls(installation(), minted)).toBe(true);
    });

    it('renews the lease', async () => {
      const { as, clock } = installation();
      const renewed = await as(CI_ARN).call('renewLease', { name: minted.lease.id, body: { ttl: '30m' } });
      const inHalfAnHourMs = clock.nowMs() + 1_800_000;
      const { expiresAt } = renewed.body.lease;
      expect(Math.abs(Date.parse(expiresAt) - inHalfAnHourMs)).toBeLessThan(30_000);
      expect(await pulls(installation(), minted)).toBe(true);
    });

    it('revokes the lease with evidence, and the token can no longer pull', async () => {
      const { status, body } = await installation().as(CI_ARN).call('revokeLease', { name: minted.lease.id });
      expect(status).toBe(200);
      expect(body.lease).toMatchObject({ status: 'revoked', revokeReason: 'caller', evidence: { kind: 'deleted' } });
      expect(await pulls(installation(), minted)).toBe(false);
    });
  });
}
