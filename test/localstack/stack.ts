import { STACK_NAME, type Synthesized } from './app.ts';
import { until } from './polling.ts';
import type { Requests } from './requests.ts';
import { zipOf } from './zip.ts';

const ACCOUNT_ID = '000000000000';
const REGION = 'us-east-1';
/** CDK's bootstrap stack would make this bucket, and this parameter. The template checks that the version is at least 6. */
const ASSETS = `cdk-hnb659fds-assets-${ACCOUNT_ID}-${REGION}`;
const BOOTSTRAP = { Name: '/cdk-bootstrap/hnb659fds/version', Type: 'String', Value: '21' };
const CLOUDFORMATION = ['cloudformation', '2010-05-15'] as const;
/** A creation takes about 10 s on two idle cores. */
const MAX_DEPLOYMENT_MS = 150_000;

export interface StackResource {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly ResourceStatus: string;
}

/** The stack under test. Each change waits for its end. @throws Error with the reasons of CloudFormation when a change fails. */
export interface DeployedStack {
  create(synthesized: Synthesized): Promise<void>;
  update(synthesized: Synthesized): Promise<void>;
  delete(): Promise<void>;
  resources(): Promise<readonly StackResource[]>;
  outputs(): Promise<Readonly<Record<string, string>>>;
  /** The newest event first. */
  events(): Promise<readonly StackEvent[]>;
}

export interface StackEvent {
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceStatus: string;
  readonly ResourceStatusReason?: string;
}

interface Description {
  readonly StackId: string;
  readonly StackStatus: string;
  readonly Outputs?: Listed<{ readonly OutputKey: string; readonly OutputValue: string }>;
}

/** A list in the JSON form of the query protocol. An empty list is null, a single member is not in an array. */
type Listed<T> = { readonly member: T | readonly T[] } | null;

export function stackOn(requests: Requests): DeployedStack {
  // Replaced by the id after the creation. A deleted stack is found by its id only.
  let StackName = STACK_NAME;
  const ask = async (action: string, fields: Readonly<Record<string, string>> = {}) => {
    const answer = await requests.query(...CLOUDFORMATION, action, { StackName, ...fields });
    return (answer as Record<string, Record<string, unknown>>)[`${action}Response`]?.[`${action}Result`];
  };
  const list = async <T>(action: string, field: string) => {
    const answer = (await ask(action)) as Record<string, Listed<T>>;
    return listOf(answer[field] ?? null);
  };
  const events = () => list<StackEvent>('DescribeStackEvents', 'StackEvents');
  const describe = async (): Promise<Description> => {
    const [stack] = await list<Description>('DescribeStacks', 'Stacks');
    if (stack === undefined) throw new Error('there is no such stack');
    return stack;
  };
  const ended = async (wanted: string) => {
    const stack = await until(
      `the stack was ${wanted}`,
      async () => {
        const now = await describe();
        return !now.StackStatus.endsWith('_IN_PROGRESS') && now;
      },
      MAX_DEPLOYMENT_MS,
    );
    const failures = (await events()).filter(({ ResourceStatus }) => /FAILED|ROLLBACK/.test(ResourceStatus));
    if (stack.StackStatus === wanted && failures.length === 0) return;
    throw new Error(`the stack is ${stack.StackStatus}: ${failures.map(lineOf).join('\n')}`);
  };
  const upload = async (key: string, content: Uint8Array) => requests.rest('s3', 'PUT', `/${ASSETS}/${key}`, content);
  const deploy = async (action: 'CreateStack' | 'UpdateStack', synthesized: Synthesized) => {
    const template = `${action}.template.json`;
    const uploads = Object.entries(synthesized.assets).map(([key, folder]) => upload(key, zipOf(folder)));
    await Promise.all([...uploads, upload(template, Buffer.from(synthesized.templateText))]);
    const TemplateURL = `https://s3.${REGION}.amazonaws.com/${ASSETS}/${template}`;
    await ask(action, { TemplateURL, 'Capabilities.member.1': 'CAPABILITY_IAM' });
  };
  return {
    async create(synthesized) {
      await requests.rest('s3', 'PUT', `/${ASSETS}`);
      await requests.json('ssm', 'AmazonSSM.PutParameter', BOOTSTRAP);
      await deploy('CreateStack', synthesized);
      StackName = (await describe()).StackId;
      await ended('CREATE_COMPLETE');
    },
    async update(synthesized) {
      await deploy('UpdateStack', synthesized);
      await ended('UPDATE_COMPLETE');
    },
    async delete() {
      await ask('DeleteStack');
      await ended('DELETE_COMPLETE');
    },
    resources: () => list<StackResource>('DescribeStackResources', 'StackResources'),
    async outputs() {
      const outputs = listOf((await describe()).Outputs ?? null);
      return Object.fromEntries(outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
    },
    events,
  };
}

function listOf<T>(listed: Listed<T>): readonly T[] {
  const member = listed?.member ?? [];
  return Array.isArray(member) ? member : [member as T];
}

function lineOf({ LogicalResourceId, ResourceStatus, ResourceStatusReason }: StackEvent): string {
  return [LogicalResourceId, ResourceStatus, ResourceStatusReason].join(' ');
}
