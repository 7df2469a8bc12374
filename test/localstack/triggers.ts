import { DeleteScheduleCommand, GetScheduleCommand } from '@aws-sdk/client-scheduler';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deletionOf, type Installation, type Minted, mint, pulls, revokedLease, switchSweeps } from './installation.ts';
import { until } from './polling.ts';
import { attributesOf, DEAD_LETTERS, deadLetter, messageCount, QUEUE, sendBatch, withShortTimes } from './queue.ts';
import { STORY } from './story.ts';
import { BEHIND_MS } from './world.ts';

/** The shortest TTL that an installation allows. */
const TTL = '60s';
const TTL_MS = 60_000;
/** The promise: no token lives longer than this after its lease has ended. */
const MAX_LATE_MS = 120_000;
const MAX_TEST_MS = 120_000;
const INVALID_MESSAGE = '{"leaseId":"not-a-lease"}';

/** Tests each trigger of a revocation alone. The sweeps are disabled, and the fake Docker Hub expires no tokens. */
export function triggerTests(installation: () => Installation): void {
  describe('a lease that has ended', { timeout: MAX_TEST_MS }, () => {
    const mintFor = (ttl: string) => mint(installation(), STORY.secret, ttl);
    const scheduleOf = ({ lease }: Minted) => ({
      GroupName: installation().idOf('HubleaseStateScheduleGroup'),
      Name: `lease-${lease.id}`,
    });

    async function expectRevokedOnTime(minted: Minted): Promise<void> {
      const lateMs = (await deletionOf(installation(), minted)) - Date.parse(minted.lease.expiresAt);
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThan(MAX_LATE_MS);
      const lease = await revokedLease(installation(), minted);
      expect(lease).toMatchObject({ revokeReason: 'expired', evidence: { kind: 'deleted' } });
    }

    it('is revoked by the stream record of its timer’s deletion', async () => {
      const { clock, hub, requests } = installation();
      const minted = await mintFor(`${BEHIND_MS / 1_000}s`);
      clock.advance(BEHIND_MS);
      await until('the token was deleted', async () => {
        // DynamoDB does this by itself. The emulator waits for this request.
        await requests.rest('dynamodb', 'DELETE', '/_aws/dynamodb/expired');
        return hub.control.deletions().some(({ id }) => id === minted.lease.tokenId);
      });
      await expectRevokedOnTime(minted);
    });

    it('is revoked by the message of its Scheduler job', async () => {
      const { clients, clock, idOf } = installation();
      const minted = await mintFor(TTL);
      expect(await pulls(installation(), minted)).toBe(true);
      const job = await clients.scheduler.send(new GetScheduleCommand(scheduleOf(minted)));
      const { QueueArn } = await attributesOf(installation(), QUEUE);
      const RoleArn = expect.stringContaining(idOf('HubleaseRevocationScheduleRole'));
      expect(job.Target).toMatchObject({ Arn: QueueArn, RoleArn });
      const time = /^at\((.+)\)$/.exec(job.ScheduleExpression ?? '')?.[1];
      clock.advance(Date.parse(`${time}Z`) - clock.nowMs());
      // The emulator's Scheduler stores jobs and runs none.
      await clients.sqs.send(new SendMessageCommand({ QueueUrl: idOf(QUEUE), MessageBody: job.Target?.Input }));
      await expectRevokedOnTime(minted);
      expect(await pulls(installation(), minted)).toBe(false);
    });

    it('is revoked in a batch with an invalid message, which alone is received again and becomes a dead letter', async () => {
      const { clock } = installation();
      const leases = [await mintFor(TTL), await mintFor(TTL)];
      clock.advance(TTL_MS);
      const [first = '', second = ''] = leases.map(({ lease }) => JSON.stringify({ leaseId: lease.id }));
      await withShortTimes(installation(), async () => {
        await sendBatch(installation(), [first, INVALID_MESSAGE, second]);
        for (const minted of leases) await expectRevokedOnTime(minted);
        await until('the queue held one message', async () => (await messageCount(installation(), QUEUE)) === 1);
        expect(await deadLetter(installation())).toBe(INVALID_MESSAGE);
      });
      expect(await messageCount(installation(), QUEUE)).toBe(0);
      expect(await messageCount(installation(), DEAD_LETTERS)).toBe(1);
    });

    describe('and whose Scheduler job was lost', () => {
      beforeAll(() => switchSweeps(installation(), 'Enable'));
      afterAll(() => switchSweeps(installation(), 'Disable'));

      it('is revoked by the sweep that its rule starts', async () => {
        const { clients, clock } = installation();
        const leases = [await mintFor(TTL), await mintFor(TTL)];
        for (const each of leases) await clients.scheduler.send(new DeleteScheduleCommand(scheduleOf(each)));
        clock.advance(TTL_MS);
        for (const minted of leases) await expectRevokedOnTime(minted);
      });
    });
  });
}
