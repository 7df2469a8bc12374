import { ArnFormat, type Duration, Names, type RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { catalogTable, leaseTable } from './lease-table.ts';
import { retentionOf } from './retention.ts';

/** 380 bits of letters and digits; the adapter that derives keys from it asks for 32 characters at least. */
const SEED_CHARACTERS = 64;
/** Leaves room for the rest within the 128 that a secret's prefix and the 255 that a metric namespace may have. */
const NAME_MAX_CHARACTERS = 60;

export interface StateProps {
  readonly encryptionKey?: kms.IKey | undefined;
  readonly formerEncryptionKeys: readonly kms.IKey[];
  readonly auditRetention: Duration;
  readonly logKey?: kms.IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/** What an installation knows and must not lose: it stays behind when the stack goes, unless it is told to go too. */
export class State extends Construct {
  readonly key: kms.IKey;
  /** What they encrypted is still read. */
  readonly formerKeys: readonly kms.IKey[];
  readonly leaseTable: dynamodb.Table;
  readonly catalogTable: dynamodb.Table;
  readonly installationSecret: secretsmanager.Secret;
  readonly auditLog: logs.LogGroup;
  readonly scheduleGroup: scheduler.CfnScheduleGroup;
  /** Targets' secrets are named `PREFIX/TARGET`. */
  readonly targetSecretPrefix: string;
  /** As under the former keys. */
  readonly formerSecretPrefixes: readonly string[];
  /** Matches the ARN of every such secret and of nothing else. */
  readonly targetSecretArns: string;
  /** As under the former keys. */
  readonly formerSecretArns: readonly string[];
  /** One per installation, in which its metrics have no dimensions. */
  readonly metricsNamespace: string;

  constructor(scope: Construct, id: string, props: StateProps) {
    super(scope, id);
    const { removalPolicy } = props;
    this.key =
      props.encryptionKey ??
      new kms.Key(this, 'Key', {
        description: 'hublease: leases, credentials of targets, sealed sessions',
        enableKeyRotation: true,
        removalPolicy,
      });
    this.formerKeys = props.formerEncryptionKeys;
    checkFormerKeys(this.key, this.formerKeys);
    this.leaseTable = leaseTable(this, 'LeaseTable', { key: this.key, removalPolicy });
    this.catalogTable = catalogTable(this, 'CatalogTable', { key: this.key, removalPolicy });
    this.installationSecret = new secretsmanager.Secret(this, 'InstallationSecret', {
      description: 'hublease: what the installation id and the keys of its labels on Docker Hub are derived from',
      encryptionKey: this.key,
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'seed',
        passwordLength: SEED_CHARACTERS,
        excludePunctuation: true,
      },
      removalPolicy,
    });
    Validations.of(this.installationSecret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Labels on Docker Hub are verified with keys derived from the seed for as long as their tokens live. A new key is added beside it by hand and never replaces it.',
    });
    this.auditLog = new logs.LogGroup(this, 'AuditLog', {
      retention: retentionOf(props.auditRetention),
      removalPolicy,
      ...(props.logKey !== undefined && { encryptionKey: props.logKey }),
    });
    // CloudFormation names it: with a name of ours, a group that was retained would stand in the way of its successor.
    this.scheduleGroup = new scheduler.CfnScheduleGroup(this, 'ScheduleGroup');
    this.scheduleGroup.applyRemovalPolicy(removalPolicy);
    const name = Names.uniqueResourceName(scope, { maxLength: NAME_MAX_CHARACTERS });
    // A stack that is made anew with another key could not write secrets under the old one, so the key is part of the name.
    const prefixOf = ({ keyId }: kms.IKey) => `hublease/${name}/${keyId}`;
    this.targetSecretPrefix = prefixOf(this.key);
    this.formerSecretPrefixes = this.formerKeys.map(prefixOf);
    const arnsBelow = (prefix: string) =>
      Stack.of(this).formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: `${prefix}/*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    this.targetSecretArns = arnsBelow(this.targetSecretPrefix);
    this.formerSecretArns = this.formerSecretPrefixes.map(arnsBelow);
    this.metricsNamespace = `Hublease/${name}`;
  }
}

/** @throws Error when the key in use is among the former ones, or one of them twice. */
function checkFormerKeys(key: kms.IKey, former: readonly kms.IKey[]): void {
  const arns = [key, ...former].map(({ keyArn }) => keyArn);
  for (const [index, arn] of arns.entries()) {
    if (arns.indexOf(arn) === index) continue;
    throw new Error(`formerEncryptionKeys: expected each former key once and not the key in use, got ${arn} again`);
  }
}
