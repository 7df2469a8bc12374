import type { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_PARTITIONS, ratePartition } from '../../functions/adapters/dynamodb/tables.ts';
import {
  actionsOf,
  listOf,
  resourceOf,
  resourcesOf,
  type Statement,
  SYNTH_TIMEOUT_MS,
  stackWith,
  statementsOf,
  templateOf,
} from './synthesized.ts';

const OWNERS = ['Broker', 'Admin', 'Revoker', 'Sweeper', 'CatalogResource'] as const;

let template: Template;
let statements: Record<(typeof OWNERS)[number], Statement[]>;

beforeAll(() => {
  const { stack, hublease } = stackWith();
  const credential = new secretsmanager.Secret(stack, 'Credential');
  const target = hublease.addTarget('acme-bot', { credential, kind: 'user' });
  hublease.addDynamicSecret('ci/release', {
    target,
    scope: 'repo:write',
    allow: ['arn:aws:iam::111122223333:role/ci'],
  });
  template = templateOf(stack);
  statements = Object.fromEntries(OWNERS.map((owner) => [owner, statementsOf(template, owner)])) as typeof statements;
}, SYNTH_TIMEOUT_MS);

function ownersThatMay(action: string): string[] {
  return OWNERS.filter((owner) => actionsOf(statements[owner]).includes(action));
}

describe('the policy of each function', () => {
  it.each(OWNERS)('%s may do this and no more', (owner) => {
    expect(statements[owner]).toMatchSnapshot();
  });

  it('holds no wildcard action, and no bare * as a resource but for ListStreams, which shows no record', () => {
    for (const owner of OWNERS) {
      expect(actionsOf(statements[owner]).filter((action) => action.includes('*'))).toEqual([]);
      const bare = statements[owner].filter(({ Resource }) => [Resource].flat().includes('*'));
      expect(actionsOf(bare)).toEqual(owner === 'Revoker' ? ['dynamodb:ListStreams'] : []);
    }
  });

  it('is all that a role has: no managed policy, and none written into the role', () => {
    for (const role of Object.values(resourcesOf(template, 'AWS::IAM::Role'))) {
      expect(role.Properties.ManagedPolicyArns).toBeUndefined();
      expect(role.Properties.Policies).toBeUndefined();
    }
  });
});

describe('credentials of targets', () => {
  const CREATING = ['secretsmanager:CreateSecret', 'secretsmanager:RestoreSecret'];

  it.each(CREATING)('%s is for admin alone', (action) => {
    expect(ownersThatMay(action)).toEqual(['Admin']);
  });

  it('are written by admin alone; the sweeper may only go back to the empty version and remove them', () => {
    expect(ownersThatMay('secretsmanager:PutSecretValue')).toEqual(['Admin']);
    expect(ownersThatMay('secretsmanager:DeleteSecret')).toEqual(['Admin', 'Sweeper']);
    expect(ownersThatMay('secretsmanager:UpdateSecretVersionStage')).toEqual(['Admin', 'Sweeper']);
  });

  it('cannot be written by the broker, nor by the revoker', () => {
    for (const owner of ['Broker', 'Revoker'] as const) {
      const secretActions = actionsOf(statements[owner]).filter((action) => action.startsWith('secretsmanager:'));
      expect(new Set(secretActions)).toEqual(
        new Set(['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret']),
      );
    }
  });

  it('of owners are read by the functions that log in, and written by none', () => {
    const ofOwner = (owner: (typeof OWNERS)[number]) =>
      statements[owner].filter(({ Resource }) => JSON.stringify(Resource).startsWith('{"Ref":"Credential'));
    for (const owner of OWNERS) {
      expect(actionsOf(ofOwner(owner))).toEqual(['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret']);
    }
  });

  it('that the API manages are not read by the catalog resource, which only knows those of owners', () => {
    const readers = OWNERS.filter((owner) =>
      statements[owner].some(
        ({ Action, Resource }) =>
          listOf(Action).includes('secretsmanager:GetSecretValue') &&
          JSON.stringify(Resource).includes(':secret:hublease/'),
      ),
    );
    expect(readers).toEqual(['Broker', 'Admin', 'Revoker', 'Sweeper']);
  });

  it('are only reached below the prefix of this installation', () => {
    for (const owner of OWNERS) {
      for (const statement of statements[owner]) {
        if (!listOf(statement.Action).some((action) => action.startsWith('secretsmanager:'))) continue;
        const resource = JSON.stringify(statement.Resource);
        expect(resource.includes(':secret:hublease/') || resource.startsWith('{"Ref":')).toBe(true);
      }
    }
  });
});

describe('rows', () => {
  it('are scanned by nobody', () => {
    expect(ownersThatMay('dynamodb:Scan')).toEqual([]);
  });

  it('of leases are deleted by nobody but their time to live', () => {
    for (const owner of OWNERS) {
      const deleting = statements[owner].filter(({ Action }) => listOf(Action).includes('dynamodb:DeleteItem'));
      for (const { Resource } of deleting) expect(JSON.stringify(Resource)).toContain('CatalogTable');
    }
  });

  it('that admins decide on are put by admin and the catalog resource; of the sweeper only targets, which it drains and verifies', () => {
    const writers = (partition: string) =>
      OWNERS.filter((owner) =>
        statements[owner].some(
          ({ Action, Condition }) =>
            listOf(Action).includes('dynamodb:PutItem') &&
            (Condition?.['ForAllValues:StringEquals']?.['dynamodb:LeadingKeys'] as string[] | string | undefined)
              ?.toString()
              .split(',')
              .includes(partition),
        ),
      );
    expect(writers('secret')).toEqual(['Admin', 'CatalogResource']);
    expect(writers('target')).toEqual(['Admin', 'Sweeper', 'CatalogResource']);
  });

  it('of the catalog are never written without a word on which', () => {
    for (const owner of OWNERS) {
      const writing = statements[owner].filter(
        ({ Action, Resource }) =>
          JSON.stringify(Resource).includes('CatalogTable') &&
          listOf(Action).some((action) => /:(?:Put|Update|Delete)Item$/.test(action)),
      );
      expect(writing.length).toBeGreaterThan(0);
      for (const { Condition } of writing) {
        expect(Condition?.['ForAllValues:StringEquals'] ?? Condition?.['ForAllValues:StringLike']).toBeDefined();
      }
    }
  });
});

describe('notes', () => {
  const writersOf = (partition: string) =>
    OWNERS.filter((owner) =>
      statements[owner].some(
        ({ Sid, Condition }) =>
          Sid === 'WriteNotes' &&
          JSON.stringify(Condition?.['ForAllValues:StringEquals']?.['dynamodb:LeadingKeys']).includes(`"${partition}"`),
      ),
    );

  it('are written by the functions that make them', () => {
    expect(writersOf('replay')).toEqual(['Broker']);
    expect(writersOf('sweep')).toEqual(['Sweeper']);
    for (const shared of ['session', 'counter']) expect(writersOf(shared)).toEqual([...OWNERS]);
  });
});

describe('lists', () => {
  it('of leases that the broker asks for are those of one caller, and of what is open', () => {
    const listing = statements.Broker.find(({ Sid }) => Sid === 'ListLeases');
    const indexes = (JSON.stringify(listing?.Resource).match(/\/index\/[\w-]+/g) ?? []).map(String);
    expect(indexes).toEqual(['/index/by-caller', '/index/due']);
  });
});

describe('rates of callers', () => {
  it('are counted by the broker alone, by a pattern that names no other rows', () => {
    const counting = OWNERS.flatMap((owner) =>
      statements[owner]
        .filter(({ Condition }) => Condition?.['ForAllValues:StringLike'] !== undefined)
        .map(({ Action, Condition }) => ({ owner, Action, Condition })),
    );
    expect(counting).toEqual([
      {
        owner: 'Broker',
        Action: 'dynamodb:UpdateItem',
        Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['rate#*'] } },
      },
    ]);
    expect(ratePartition('ab12')).toBe('rate#ab');
    for (const partition of Object.values(CATALOG_PARTITIONS)) expect(partition.startsWith('rate#')).toBe(false);
  });
});

describe('schedules', () => {
  it.each(['scheduler:CreateSchedule', 'scheduler:UpdateSchedule', 'iam:PassRole'])(
    '%s is for the broker alone',
    (action) => {
      expect(ownersThatMay(action)).toEqual(['Broker']);
    },
  );

  it('get the one role that may send to the queue, and pass it to Scheduler only', () => {
    const passing = statements.Broker.filter(({ Action }) => listOf(Action).includes('iam:PassRole'));
    expect(passing).toHaveLength(1);
    expect(JSON.stringify(passing[0]?.Resource)).toContain('ScheduleRole');
    expect(passing[0]?.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } });
    const role = resourceOf(template, 'AWS::IAM::Policy', 'HubleaseRevocationScheduleRoleDefaultPolicy');
    const sending = (role.Properties.PolicyDocument as { Statement: Statement[] }).Statement;
    expect(actionsOf(sending)).toEqual(['sqs:SendMessage']);
  });
});

describe('the key', () => {
  it('is used directly for sealed sessions only, and else through the services that keep what it encrypts', () => {
    for (const owner of OWNERS) {
      const own = statements[owner].filter(
        ({ Action, Resource }) =>
          listOf(Action).some((action) => action.startsWith('kms:')) && JSON.stringify(Resource).includes('StateKey'),
      );
      expect(own.map(({ Condition }) => Object.keys(Object.values(Condition ?? {})[0] ?? {}))).toEqual([
        ['kms:EncryptionContext:hublease'],
        ['kms:ViaService'],
      ]);
    }
  });
});

describe('what the services that use the key for a function are called', () => {
  it('is written in both ways that AWS documents', () => {
    for (const owner of OWNERS) {
      const through = statements[owner].find(({ Sid }) => Sid === 'UseKeyThroughKeepers');
      const services = JSON.stringify(through?.Condition?.StringEquals?.['kms:ViaService']);
      for (const service of ['dynamodb.', 'secretsmanager.']) expect(services).toContain(service);
      expect(services.match(/\.amazonaws\.com"/g)).toHaveLength(2);
      expect(services.match(/\.amazonaws\.com\.cn"/g)).toHaveLength(2);
    }
  });
});

describe('trust', () => {
  it('of every role names a service, and the account or resource that it must act for', () => {
    const roles = Object.values(resourcesOf(template, 'AWS::IAM::Role'));
    expect(roles.length).toBe(OWNERS.length + 2);
    for (const role of roles) {
      const { Statement: trust } = role.Properties.AssumeRolePolicyDocument as { Statement: Statement[] };
      expect(trust).toHaveLength(1);
      expect(trust[0]?.Condition?.StringEquals).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
    }
  });

  it('in Scheduler holds for schedules of this installation only', () => {
    const role = resourceOf(template, 'AWS::IAM::Role', 'HubleaseRevocationScheduleRole');
    const { Statement: trust } = role.Properties.AssumeRolePolicyDocument as { Statement: Statement[] };
    expect(JSON.stringify(trust[0]?.Condition?.ArnEquals)).toContain('ScheduleGroup');
  });

  it('in whoever invokes a function names what it acts for', () => {
    const permissions = Object.values(resourcesOf(template, 'AWS::Lambda::Permission'));
    expect(permissions.length).toBeGreaterThan(10);
    for (const { Properties } of permissions) expect(Properties.SourceArn).toBeDefined();
  });
});

describe('two installations', () => {
  it('of one account have neither secrets nor metrics in common', () => {
    const environmentOf = (stackName: string) => {
      const { stack } = stackWith({}, { stackName });
      const broker = resourceOf(templateOf(stack), 'AWS::Lambda::Function', 'HubleaseBroker');
      return (broker.Properties.Environment as { Variables: Record<string, unknown> }).Variables;
    };
    const [one, other] = [environmentOf('One'), environmentOf('Other')];
    for (const name of ['HUBLEASE_TARGET_SECRET_PREFIX', 'HUBLEASE_METRICS_NAMESPACE']) {
      expect(one[name]).not.toEqual(other[name]);
    }
  });
});

describe('a wildcard', () => {
  it('in a grant never comes from a name', () => {
    const { stack, hublease } = stackWith();
    const role = new iam.Role(stack, 'Ci', { assumedBy: new iam.AccountRootPrincipal() });
    expect(() =>
      hublease.addDynamicSecret('ci/*', { target: 'acme-bot', scope: 'repo:read' }).grantLease(role),
    ).toThrow('dynamic secret: expected a name of 1 to 4 segments');
  });
});
