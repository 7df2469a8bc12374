import { AsyncLocalStorage } from 'node:async_hooks';
import { Client } from '@smithy/core/client';
import type { FunctionName, SettingValue } from '../../functions/env.ts';

/** The function that runs, and the settings that tell what it names. */
export interface Running {
  readonly name: FunctionName;
  readonly settings: Readonly<Record<string, SettingValue>>;
}

/** Everything that a function does happens in here, so that its calls are known as its own. */
export const running = new AsyncLocalStorage<Running>();

/** What each function asked of AWS: `ACTION RESOURCE`, as IAM sees it and without names. Sorted, each once. */
export type FunctionCalls = Partial<Record<FunctionName, readonly string[]>>;

export interface CallRecord {
  calls(): FunctionCalls;
  stop(): void;
}

// biome-ignore lint/suspicious/noExplicitAny: the inputs of all commands that the adapters send.
type Input = any;

interface Sent {
  readonly constructor: { readonly name: string };
  readonly input: Input;
}

/** Records what every client of the AWS SDK sends while a function runs. */
export function recordFunctionCalls(): CallRecord {
  const made: Partial<Record<FunctionName, Set<string>>> = {};
  const send = Client.prototype.send as (this: object, command: Sent, ...rest: unknown[]) => unknown;
  Client.prototype.send = function recorded(this: object, command: Sent, ...rest: unknown[]) {
    const now = running.getStore();
    if (now !== undefined) {
      made[now.name] ??= new Set();
      const name = command.constructor.name.replace(/Command$/, '');
      for (const call of callsOf(name, command.input, now.settings)) made[now.name]?.add(call);
    }
    return send.call(this, command, ...rest);
  } as typeof Client.prototype.send;
  return {
    calls: () => Object.fromEntries(Object.entries(made).map(([name, calls]) => [name, [...calls].sort()])),
    stop: () => {
      Client.prototype.send = send as typeof Client.prototype.send;
    },
  };
}

type Settings = Running['settings'];

/** What IAM is asked for one command. A transaction is asked for each of its parts, as if it were sent alone. */
function callsOf(command: string, input: Input, settings: Settings): string[] {
  const rows = (action: string, key: Input) => `dynamodb:${action} ${rowOf(input.TableName, key, settings)}`;
  switch (command) {
    case 'Get':
    case 'Update':
    case 'Delete':
      return [rows(`${command}Item`, input.Key)];
    case 'Put':
      return [rows('PutItem', input.Item)];
    case 'ConditionCheck':
      return [rows('ConditionCheckItem', input.Key)];
    case 'Query':
      return [
        `dynamodb:Query ${tableOf(input.TableName, settings)}${input.IndexName ? `/index/${input.IndexName}` : ''}`,
      ];
    case 'BatchGet':
      return Object.keys(input.RequestItems).map((table) => `dynamodb:BatchGetItem ${tableOf(table, settings)}`);
    case 'TransactWrite':
      return input.TransactItems.flatMap((item: Input) =>
        Object.entries(item).flatMap(([part, own]) => callsOf(part, own, settings)),
      );
    case 'GenerateDataKey':
    case 'Decrypt':
      return [`kms:${command} key ${String(input.EncryptionContext?.hublease).replace(/:.*/, ':')}`];
    case 'CreateSchedule':
    case 'UpdateSchedule':
      return [`scheduler:${command} schedule`, 'iam:PassRole scheduleRole'];
    case 'SendMessage':
    case 'SendMessageBatch':
    case 'ChangeMessageVisibility':
      return [`sqs:${withoutBatch(command)} queue`];
    case 'PutLogEvents':
    case 'CreateLogStream':
      return [`logs:${command} auditLogGroup`];
    default:
      if (!/Secret/.test(command)) return [`unknown:${command} -`];
      return [`secretsmanager:${command} ${secretOf(input.SecretId ?? input.Name, settings)}`];
  }
}

/** IAM goes by the action for one message. Source: SQS Developer Guide, "Amazon SQS API permissions". */
export function withoutBatch(command: string): string {
  return command.replace(/Batch$/, '');
}

function tableOf(name: string, settings: Settings): string {
  const found = ['leaseTable', 'catalogTable'].find((setting) => settings[setting] === name);
  if (found === undefined) throw new Error(`no table of this installation: ${name}`);
  return found;
}

/** With the partition where IAM goes by it. Callers' rates have many, of which one stands for all. */
function rowOf(name: string, key: Input, settings: Settings): string {
  const table = tableOf(name, settings);
  if (table === 'leaseTable') return table;
  return `${table} ${String(key.partition).replace(/^rate#.*/, 'rate#00')}`;
}

function secretOf(id: string, settings: Settings): string {
  if (id === settings.installationSecretArn) return 'installationSecret';
  const former = settings.formerSecretPrefixes as readonly string[];
  if (former.some((prefix) => id.includes(`${prefix}/`))) return 'formerSecret';
  return id.includes(`${settings.targetSecretPrefix}/`) ? 'targetSecret' : 'ownersSecret';
}
