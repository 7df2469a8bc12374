import { STACK_NAME, type Synthesized } from './app.ts';
import { until } from './polling.ts';
import type { Requests } from './requests.ts';
import { zipOf } from './zip.ts';

const ACCOUNT_ID = '000000000000';
const REGION = 'us-east-1';
/** Where CDK's bootstrap stack puts assets, and where it notes its version. The template checks that it is 6 or more. */
const ASSETS = `cdk-hnb659fds-assets-${ACCOUNT_ID}-${REGION}`;
const BOOTSTRAP = { Name: '/cdk-bootstrap/hnb659fds/version', Type: 'String', Value: '21' };
const CLOUDFORMATION = ['cloudformation', '2010-05-15'] as const;
/** Some 10 s on two idle cores. */
const MAX_DEPLOYMENT_MS = 150_000;

export interface StackResource {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceStatus: string;
}

/** The one stack, as `cdk deploy` and `cdk destroy` handle it. */
export interface DeployedStack {
  create(synthesized: Synthesized): Promise<void>;
  update(synthesized: Synthesized): Promise<void>;
  delete(): Promise<void>;
  resources(): Promise<readonly StackResource[]>;
  outputs(): Promise<Readonly<Record<string, string>>>;
  /** Everything that CloudFormation says happened, as text. */
  events(): Promise<readonly StackEvent[]>;
}

interface StackEvent {
  readonly LogicalResourceId: string;
  readonly ResourceStatus: string;
  readonly ResourceStatusReason?: string;
}

interface Description {
  readonly StackStatus: string;
  readonly Outputs?: Listed<{ readonly OutputKey: string; readonly OutputValue: string }>;
}

/** A list in the JSON of the query protocol: null when empty, and its one member alone. */
type Listed<T> = { readonly member: T | readonly T[] } | null;

export function stackOn(requests: Requests): DeployedStack {
  const ask = async (action: string, fields: Readonly<Record<string, string>> = {}) => {
    const answer = await requests.query(...CLOUDFORMATION, action, { StackName: STACK_NAME, ...fields });
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
      `the stack is ${wanted}`,
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
