import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import {
  CATALOG_TABLE,
  type KeyAttribute,
  LEASE_TABLE,
  type TableShape,
} from '../functions/adapters/dynamodb/tables.ts';

export interface ProtectedTableProps {
  readonly key: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** The leases and their timers: see `LEASE_TABLE`. */
export function leaseTable(scope: Construct, id: string, props: ProtectedTableProps): dynamodb.Table {
  return protectedTable(scope, id, LEASE_TABLE, props);
}

/** The secrets, the targets' metadata, and sealed sessions: see `CATALOG_TABLE`. */
export function catalogTable(scope: Construct, id: string, props: ProtectedTableProps): dynamodb.Table {
  return protectedTable(scope, id, CATALOG_TABLE, props);
}

/**
 * A table of the given shape: pay per request, recoverable to any second of the last 35 days, encrypted under the
 * installation's key, and protected from deletion unless it is to go with the stack.
 *
 * `Table` and not `TableV2`, which takes a customer's key only in a stack whose region is known.
 */
function protectedTable(scope: Construct, id: string, shape: TableShape, props: ProtectedTableProps): dynamodb.Table {
  const table = new dynamodb.Table(scope, id, {
    partitionKey: attributeOf(shape.partitionKey),
    sortKey: attributeOf(shape.sortKey),
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: props.key,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: props.removalPolicy !== RemovalPolicy.DESTROY,
    removalPolicy: tableRemoval(props.removalPolicy),
    ...(shape.ttlAttribute !== undefined && { timeToLiveAttribute: shape.ttlAttribute }),
    ...(shape.stream !== undefined && { stream: dynamodb.StreamViewType[shape.stream] }),
  });
  for (const index of shape.indexes) {
    table.addGlobalSecondaryIndex({
      indexName: index.name,
      partitionKey: attributeOf(index.partitionKey),
      ...(index.sortKey !== undefined && { sortKey: attributeOf(index.sortKey) }),
      projectionType: dynamodb.ProjectionType.KEYS_ONLY,
    });
  }
  return table;
}

/** A rollback cannot delete a protected table and would fail as a whole, so that it has to leave the table: see decision 19. */
function tableRemoval(policy: RemovalPolicy): RemovalPolicy {
  return policy === RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE ? RemovalPolicy.RETAIN : policy;
}

const ATTRIBUTE_TYPES = { S: dynamodb.AttributeType.STRING, N: dynamodb.AttributeType.NUMBER } as const;

function attributeOf({ name, type }: KeyAttribute): dynamodb.Attribute {
  return { name, type: ATTRIBUTE_TYPES[type] };
}
