import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { ulid } from 'ulid';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from './deployment.ts';
import { type Aws, type Installation, prepare } from './installation.ts';
import {
  acknowledge,
  byTimeToLive,
  deliver,
  receive,
  sendMessage,
  showAgain,
  streamEvent,
  streamRecords,
} from './triggers.ts';

const MINT = { method: 'POST', path: '/v1/lease/ci/release' };
const AFTER_TTL_MS = 901_000;

/** The tests of what starts the revoker. @param aws both servers, once they run. */
export function revocationTriggers(aws: () => Aws): void {
  describe('the revoker behind the stream and the queue', () => {
    let installation: Installation;
    let functions: Deployment;
    beforeEach(async () => {
      installation = await aws().install();
      functions = installation.deploy();
      await prepare(installation);
    });

    async function mint(): Promise<{ id: string; tokenId: string }> {
      const { status, body } = await functions.broker(MINT);
      expect(status).toBe(201);
      return body.lease;
    }

    const statusOf = async (leaseId: string) => (await installation.leaseRow(leaseId))?.status;

    /** Deletes the timers, as DynamoDB does when they have run out, and returns the records of that. */
    async function timersRemoved(...leaseIds: string[]): Promise<DynamoDBRecord[]> {
      const { client, tableName } = installation.leaseTable;
      for (const leaseId of leaseIds) {
        await client.send(new DeleteCommand({ TableName: tableName, Key: { leaseId, row: 'timer' } }));
      }
      const records = await streamRecords(aws().local, installation);
      return records.filter((record) => record.eventName === 'REMOVE');
    }

    describe('a timer that DynamoDB deleted', () => {
      it('ends its lease', async () => {
        const { id } = await mint();
        installation.clock.advance(AFTER_TTL_MS);
        const removed = await timersRemoved(id);
        expect(removed).toHaveLength(1);
        const answer = await functions.revoker(streamEvent(...removed.map(byTimeToLive)));
        expect(answer).toEqual({ batchItemFailures: [] });
        expect(await installation.leaseRow(id)).toMatchObject({
          status: 'revoked',
          revokeReason: 'expired',
          evidence: { kind: 'deleted', httpStatus: 204 },
        });
        expect(installation.liveTokens()).toEqual([]);
      });

      it('ends nothing when somebody else deleted it, nor when it was put, nor with a lease’s own changes', async () => {
        const { id, tokenId } = await mint();
        installation.clock.advance(AFTER_TTL_MS);
        await timersRemoved(id);
        const records = await streamRecords(aws().local, installation);
        expect(new Set(records.map(({ eventName }) => eventName))).toEqual(new Set(['INSERT', 'MODIFY', 'REMOVE']));
        expect(await functions.revoker(streamEvent(...records))).toEqual({ batchItemFailures: [] });
        expect(installation.liveTokens()).toEqual([tokenId]);
      });

      it('ends nothing while its lease has time left, and has the lease looked at again', async () => {
        const { id, tokenId } = await mint();
        const removed = await timersRemoved(id);
        expect(await functions.revoker(streamEvent(...removed.map(byTimeToLive)))).toEqual({ batchItemFailures: [] });
        expect(await statusOf(id)).toBe('active');
        expect(installation.liveTokens()).toEqual([tokenId]);
      });

      it('that cannot be handled is reported alone by its place in the stream', async () => {
        const [first, poisoned, last] = [await mint(), await mint(), await mint()];
        installation.clock.advance(AFTER_TTL_MS);
        const removed = (await timersRemoved(first.id, poisoned.id, last.id)).map(byTimeToLive);
        const spoiled = removed.find(({ dynamodb }) => dynamodb?.Keys?.leaseId?.S === poisoned.id);
        await spoilRow(poisoned.id);
        const { batchItemFailures } = await functions.revoker(streamEvent(...removed));
        expect(batchItemFailures).toEqual([{ itemIdentifier: spoiled?.dynamodb?.SequenceNumber }]);
        expect(await statusOf(first.id)).toBe('revoked');
        expect(await statusOf(last.id)).toBe('revoked');
        expect(installation.liveTokens()).toEqual([poisoned.tokenId]);
      });
    });

    describe('a message of the scheduler', () => {
      /** Sends what the lease's job says, where it says, at the time that it says: what Scheduler does and moto does not. */
      async function fire(leaseId: string): Promise<void> {
        const job = await installation.schedule(leaseId);
        expect(job?.Target?.Arn).toBe(installation.settings.queueArn);
        const atMs = Date.parse(`${job?.ScheduleExpression?.slice('at('.length, -1)}Z`);
        installation.clock.advance(Math.max(0, atMs - installation.clock.nowMs()));
        await sendMessage(installation, job?.Target?.Input as string);
      }

      it('ends its lease', async () => {
        const { id } = await mint();
        await fire(id);
        const event = await receive(installation);
        expect(event.Records).toHaveLength(1);
        expect(await functions.revoker(event)).toEqual({ batchItemFailures: [] });
        expect(await installation.leaseRow(id)).toMatchObject({ status: 'revoked', revokeReason: 'expired' });
        expect(installation.liveTokens()).toEqual([]);
        const events = (await installation.auditEvents()).filter(({ leaseId }) => leaseId === id);
        expect(events.map(({ event: name }) => name)).toEqual(['lease.granted', 'lease.revoked']);
      });

      it('ends it once, however often it is delivered', async () => {
        const { id } = await mint();
        await fire(id);
        const event = await receive(installation);
        await functions.revoker(event);
        const revoked = await installation.leaseRow(id);
        const again = await receive(installation);
        expect(again.Records[0]?.messageId).toBe(event.Records[0]?.messageId);
        const anew = installation.deploy();
        expect(await Promise.all([functions.revoker(again), anew.revoker(again)])).toEqual([
          { batchItemFailures: [] },
          { batchItemFailures: [] },
        ]);
        expect(await installation.leaseRow(id)).toEqual(revoked);
        expect(installation.hub.control.deletions()).toHaveLength(1);
      });

      it('ends it once though two revokers have it at the same time', async () => {
        const { id } = await mint();
        await fire(id);
        const event = await receive(installation);
        const answers = await Promise.all([functions.revoker(event), installation.deploy().revoker(event)]);
        expect(answers).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }]);
        expect(await statusOf(id)).toBe('revoked');
        expect(installation.liveTokens()).toEqual([]);
      });

      it('stays on the queue while the records cannot be read, and ends the lease when it comes again', async () => {
        const { id } = await mint();
        await fire(id);
        const row = await spoilRow(id);
        const event = await receive(installation);
        const { batchItemFailures } = await functions.revoker(event);
        expect(batchItemFailures).toEqual([{ itemIdentifier: event.Records[0]?.messageId }]);
        expect(await acknowledge(installation, event, batchItemFailures)).toBe(0);
        await restoreRow(row);
        await showAgain(installation, event);
        await deliver(installation, functions);
        expect(installation.liveTokens()).toEqual([]);
        expect((await receive(installation)).Records).toEqual([]);
      });

      it('lets the lease be tried again when Docker Hub does not delete the token', async () => {
        const { id, tokenId } = await mint();
        installation.hub.control.setFaults([{ route: 'pat-delete', kind: 'server-error', count: 1 }]);
        await fire(id);
        await deliver(installation, functions);
        expect(await installation.leaseRow(id)).toMatchObject({ status: 'revoking', attempts: 1 });
        expect(installation.liveTokens()).toEqual([tokenId]);
        installation.clock.advance(60_000);
        await functions.sweeper();
        await deliver(installation, functions);
        expect(await statusOf(id)).toBe('revoked');
        expect(installation.liveTokens()).toEqual([]);
      });
    });

    describe('a message that nobody of ours wrote', () => {
      it.each([
        ['no JSON', 'canary'],
        ['JSON of another form', '{"detail":{"leaseId":"canary"}}'],
        ['a lease id that is none', '{"leaseId":"../canary"}'],
        ['a lease id and more', `{"leaseId":"${ulid()}","force":true}`],
      ])('is reported alone, and the rest of its batch is done: %s', async (_, body) => {
        const [first, last] = [await mint(), await mint()];
        installation.clock.advance(AFTER_TTL_MS);
        for (const text of [JSON.stringify({ leaseId: first.id }), body, JSON.stringify({ leaseId: last.id })]) {
          await sendMessage(installation, text);
        }
        const event = await receive(installation);
        expect(event.Records).toHaveLength(3);
        const { batchItemFailures } = await functions.revoker(event);
        const poison = event.Records.find((record) => record.body === body);
        expect(batchItemFailures).toEqual([{ itemIdentifier: poison?.messageId }]);
        expect(installation.liveTokens()).toEqual([]);
        // The record's text may be anybody's, and goes into no log.
        expect(installation.log.join('')).not.toContain('canary');
      });

      it('that names a lease which does not exist is done with', async () => {
        await sendMessage(installation, JSON.stringify({ leaseId: ulid() }));
        const event = await receive(installation);
        expect(await functions.revoker(event)).toEqual({ batchItemFailures: [] });
      });

      it('that names a lease before its time does not end it', async () => {
        const { id, tokenId } = await mint();
        await sendMessage(installation, JSON.stringify({ leaseId: id }));
        expect(await functions.revoker(await receive(installation))).toEqual({ batchItemFailures: [] });
        expect(installation.liveTokens()).toEqual([tokenId]);
      });
    });

    /** Makes a lease's row one that no reader understands, and returns it as it was. */
    async function spoilRow(leaseId: string): Promise<Record<string, unknown>> {
      const row = (await installation.leaseRow(leaseId)) as Record<string, unknown>;
      await restoreRow({ ...row, schema: 99 });
      return row;
    }

    async function restoreRow(row: Record<string, unknown>): Promise<void> {
      const { client, tableName } = installation.leaseTable;
      await client.send(new PutCommand({ TableName: tableName, Item: row }));
    }
  });
}
