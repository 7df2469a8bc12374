import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { patternOf, piecesOf } from '../canary.ts';
import { DECLARED } from './app.ts';
import { ACCOUNT, OWNERS_ACCOUNT } from './hub.ts';
import type { Installation, Minted } from './installation.ts';
import { INVENTORIED, inventoryOf } from './inventory.ts';
import type { StackResource } from './stack.ts';

/** The end of a logical id. */
const HASH_CHARACTERS = 8;
/** The role is of the whole account: see `ApiGatewayLogging`. */
const RETAINED = [
  'ApiGatewayLoggingRole',
  'HubleaseApiAccessLog',
  'HubleaseStateAuditLog',
  'HubleaseStateCatalogTable',
  'HubleaseStateInstallationSecret',
  'HubleaseStateKey',
  'HubleaseStateLeaseTable',
  'HubleaseStateScheduleGroup',
];
const OTHER_TTL_SECONDS = 300;
const MAX_LIFECYCLE_MS = 180_000;

/** Tests an update and the deletion of the stack, and its logs before the deletion. */
export function lifecycleTests(installation: () => Installation): void {
  let open: Minted;

  describe('an update of the stack', () => {
    it(
      'changes the declared secret and nothing else',
      async () => {
        const { stack, synthesizeWith, as, buildArn } = installation();
        const eventsBefore = (await stack.events()).length;
        await stack.update(synthesizeWith(OTHER_TTL_SECONDS));
        const events = await stack.events();
        const ended = events.slice(0, -eventsBefore).filter((each) => each.ResourceStatus.endsWith('_COMPLETE'));
        expect(ended.map(({ ResourceType, ResourceStatus }) => [ResourceType, ResourceStatus])).toEqual([
          ['AWS::CloudFormation::Stack', 'UPDATE_COMPLETE'],
          ['Custom::HubleaseCatalogEntry', 'UPDATE_COMPLETE'],
        ]);
        open = (await as(buildArn).call('mintLease', { name: DECLARED.secret })).body;
        expect(open.lease.ttlSeconds).toBe(OTHER_TTL_SECONDS);
      },
      MAX_LIFECYCLE_MS,
    );
  });

  describe('the log groups', () => {
    it('contain no password and no token', async () => {
      const { clients } = installation();
      const groups = await inventoryOf('AWS::Logs::LogGroup', installation());
      const texts = await Promise.all(
        groups.map(async (logGroupName) => {
          const { events = [] } = await clients.logs.send(new FilterLogEventsCommand({ logGroupName }));
          return events.map(({ message }) => message).join('\n');
        }),
      );
      const log = texts.join('\n');
      expect(log).toContain('lease.granted');
      const passwords = [ACCOUNT, OWNERS_ACCOUNT].flatMap(({ password }) => piecesOf(password));
      expect(log).not.toMatch(patternOf(...passwords, 'dckr_pat_'));
    });
  });

  describe('the deletion of the stack', () => {
    let resources: readonly StackResource[];

    beforeAll(async () => {
      resources = await installation().stack.resources();
      await installation().stack.delete();
    }, MAX_LIFECYCLE_MS);

    it('retains the tables, the key, the seed, the schedule group and the logs of who did what, and nothing else', async () => {
      const inventories = await Promise.all(INVENTORIED.map((type) => inventoryOf(type, installation())));
      const existing = new Set(inventories.flat());
      const left = resources.filter(({ PhysicalResourceId }) => existing.has(PhysicalResourceId));
      expect(left.map(({ LogicalResourceId }) => LogicalResourceId.slice(0, -HASH_CHARACTERS)).sort()).toEqual(
        RETAINED,
      );
    });

    it('keeps the record of an open lease, and drains its secret', async () => {
      const { clients, leaseTable, idOf } = installation();
      const Key = { leaseId: { S: open.lease.id }, row: { S: 'lease' } };
      const { Item: lease } = await clients.dynamodb.send(new GetItemCommand({ TableName: leaseTable, Key }));
      expect(lease?.status).toEqual({ S: 'active' });
      const entry = { partition: { S: 'secret' }, entry: { S: DECLARED.secret } };
      const TableName = idOf('HubleaseStateCatalogTable');
      const { Item: secret } = await clients.dynamodb.send(new GetItemCommand({ TableName, Key: entry }));
      expect(secret?.status).toEqual({ S: 'draining' });
    });
  });
}
