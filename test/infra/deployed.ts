import type { Template } from 'aws-cdk-lib/assertions';
import type { Resource } from './synthesized.ts';

/** Where the template is taken to be deployed. */
export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';
export const API_ID = 'a1b2c3d4e5';

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'Test',
};
const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab';

/** ARNs as AWS makes them, with the logical id as the name. */
const ARNS: Readonly<Record<string, (id: string) => string>> = {
  'AWS::DynamoDB::Table': (id) => arn('dynamodb', `table/${id}`),
  'AWS::IAM::Role': (id) => `arn:aws:iam::${ACCOUNT}:role/${id}`,
  'AWS::KMS::Key': () => arn('kms', `key/${KEY_ID}`),
  'AWS::Lambda::Function': (id) => arn('lambda', `function:${id}`),
  'AWS::Logs::LogGroup': (id) => arn('logs', `log-group:${id}:*`),
  'AWS::Scheduler::ScheduleGroup': (id) => arn('scheduler', `schedule-group/${id}`),
  'AWS::SecretsManager::Secret': (id) => arn('secretsmanager', `secret:${id}-AbCdEf`),
  'AWS::SQS::Queue': (id) => arn('sqs', id),
};
const REFS: Readonly<Record<string, (id: string) => string>> = {
  'AWS::ApiGateway::RestApi': () => API_ID,
  'AWS::KMS::Key': () => KEY_ID,
  'AWS::SecretsManager::Secret': (id) => arn('secretsmanager', `secret:${id}-AbCdEf`),
  'AWS::SQS::Queue': (id) => `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${id}`,
};

function arn(service: string, rest: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
}

/** A template as CloudFormation would see it, each reference filled in. */
export interface Deployed {
  /** Any part of the template. @throws Error for a function that it does not know. */
  resolve(node: unknown): unknown;
  /** ARN of a resource, by its logical id without CDK's hash. */
  arnOf(type: string, idWithoutHash: string): string;
  /** The policy documents of a role, by the beginning of its logical id. */
  policiesOf(roleIdBegins: string): unknown[];
}

/** @param parameters values of the template's parameters, by name. */
export function deployed(template: Template, parameters: Readonly<Record<string, unknown>> = {}): Deployed {
  const { Resources: resources, Conditions: conditions = {} } = template.toJSON() as {
    Resources: Record<string, Resource>;
    Conditions?: Record<string, unknown>;
  };
  const typeOf = (id: string) => resources[id]?.Type ?? '';

  const functions: Readonly<Record<string, (value: never) => unknown>> = {
    Ref: (id: string) => PSEUDO[id] ?? parameters[id] ?? REFS[typeOf(id)]?.(id) ?? id,
    'Fn::GetAtt': ([id, attribute]: [string, string]) => {
      const own = ARNS[typeOf(id)]?.(id);
      if (own === undefined) throw new Error(`no ARN for ${typeOf(id)} ${id}`);
      return attribute === 'StreamArn' ? `${own}/stream/2026-01-01T00:00:00.000` : own;
    },
    'Fn::Join': ([delimiter, parts]: [string, unknown]) => (resolve(parts) as unknown[]).join(delimiter),
    'Fn::Split': ([delimiter, text]: [string, unknown]) => (resolve(text) as string).split(delimiter),
    'Fn::Select': ([index, list]: [number, unknown]) => (resolve(list) as unknown[])[Number(index)],
    'Fn::Sub': (given: string | [string, Record<string, unknown>]) => {
      const [text, own] = typeof given === 'string' ? [given, {}] : given;
      return text.replaceAll(/\$\{([\w:]+)\}/g, (_, id: string) => String(resolve(own[id] ?? { Ref: id })));
    },
    'Fn::If': ([condition, then, otherwise]: [string, unknown, unknown]) =>
      resolve(resolve(conditions[condition]) === true ? then : otherwise),
    'Fn::Equals': ([one, other]: [unknown, unknown]) => resolve(one) === resolve(other),
    'Fn::Not': ([node]: [unknown]) => resolve(node) !== true,
    'Fn::Or': (nodes: unknown[]) => nodes.some((node) => resolve(node) === true),
    'Fn::And': (nodes: unknown[]) => nodes.every((node) => resolve(node) === true),
  };

  function resolve(node: unknown): unknown {
    if (Array.isArray(node)) return node.map(resolve).filter((each) => each !== 'AWS::NoValue');
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node);
    const [name, value] = entries[0] ?? ['', undefined];
    const apply = entries.length === 1 ? functions[name] : undefined;
    if (apply !== undefined) return apply(value as never);
    if (entries.length === 1 && name.startsWith('Fn::')) throw new Error(`no ${name} here`);
    const resolved = entries.map(([key, each]) => [key, resolve(each)] as const);
    return Object.fromEntries(resolved.filter(([, each]) => each !== 'AWS::NoValue'));
  }

  return {
    resolve,
    arnOf(type, idWithoutHash) {
      const pattern = new RegExp(`^${idWithoutHash}[0-9A-F]{8}$`);
      const ids = Object.keys(resources).filter((id) => typeOf(id) === type && pattern.test(id));
      if (ids.length !== 1) throw new Error(`expected one ${type} ${idWithoutHash}, got ${ids.join(', ') || 'none'}`);
      return String(resolve({ 'Fn::GetAtt': [ids[0], 'Arn'] }));
    },
    policiesOf(roleIdBegins) {
      const attached = Object.values(resources).filter(
        ({ Type, Properties }) =>
          ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].includes(Type) &&
          ((Properties.Roles ?? []) as { Ref?: string }[]).some(({ Ref }) => Ref?.startsWith(roleIdBegins)),
      );
      return attached.map(({ Properties }) => resolve(Properties.PolicyDocument));
    },
  };
}
