import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { Hublease, type HubleaseProps } from '../../infra/hublease.ts';

/** Bundling takes seconds for each function; most tests look at the template alone. */
const NO_BUNDLING = { 'aws:cdk:bundling-stacks': [] };

// CDK's own validation takes 4 s of CPU in each process. `npm run synth` has it on, and cfn-lint reads the whole template here.
process.env.CDK_VALIDATION = 'false';

/** Where the test file that imports this writes. */
export const FOLDER = mkdtempSync(join(tmpdir(), 'hublease-infra-'));
let apps = 0;

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** An app that writes where it is removed from, and bundles nothing unless asked to. */
export function appOf(options: { readonly bundling: boolean } = { bundling: false }): App {
  const outdir = join(FOLDER, `app-${apps++}`);
  return new App({ outdir, ...(!options.bundling && { context: NO_BUNDLING }) });
}

/** A synth takes 3 s alone on a core, and much longer beside everything else. */
export const SYNTH_TIMEOUT_MS = 120_000;

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

/** A stack with one installation, before synth. */
export function stackWith(props: HubleaseProps = {}, stackProps: StackProps = {}) {
  const app = appOf();
  const stack = new Stack(app, 'Test', stackProps);
  return { app, stack, hublease: new Hublease(stack, 'Hublease', props) };
}

export function templateOf(stack: Stack): Template {
  return Template.fromStack(stack);
}

/** Resources of a type, by logical id. */
export function resourcesOf(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>;
}

/** The one resource of a type whose logical id begins so. */
export function resourceOf(template: Template, type: string, idBegins: string): Resource {
  const found = Object.entries(resourcesOf(template, type)).filter(([id]) => id.startsWith(idBegins));
  const [only] = found;
  if (found.length !== 1 || only === undefined) {
    throw new Error(`expected one ${type} ${idBegins}…, got ${found.map(([id]) => id).join(', ') || 'none'}`);
  }
  return only[1];
}

/** The statements of a role's own policy, by the id of the construct that the role belongs to. */
export function statementsOf(template: Template, owner: string): Statement[] {
  const policy = resourceOf(template, 'AWS::IAM::Policy', `Hublease${owner}RoleDefaultPolicy`);
  return (policy.Properties.PolicyDocument as { Statement: Statement[] }).Statement;
}

export function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

export function actionsOf(statements: readonly Statement[]): readonly string[] {
  return statements.flatMap((statement) => listOf(statement.Action));
}

/** The statements of the API's resource policy. */
export function apiPolicyOf(template: Template): Statement[] {
  const { Policy } = resourceOf(template, 'AWS::ApiGateway::RestApi', 'HubleaseApi').Properties;
  return (Policy as { Statement: Statement[] }).Statement;
}

/** The last, literal part of each resource that a policy of a role names. */
export function grantedPathsOf(template: Template, policyIdBegins: string): string[] {
  const { PolicyDocument } = resourceOf(template, 'AWS::IAM::Policy', policyIdBegins).Properties;
  const { Statement: statements } = PolicyDocument as { Statement: Statement[] };
  const arns = statements.flatMap(({ Resource }) => Resource as { 'Fn::Join': [string, unknown[]] }[]);
  return arns.map((arn) => String(arn['Fn::Join'][1].at(-1)));
}
