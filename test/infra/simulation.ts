import { anonymousPrincipal, type EvaluationResult, runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';
import { ACCOUNT } from './deployed.ts';

/** One request to AWS, as IAM sees it. */
export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  /** Condition keys besides those of the principal. */
  readonly context?: Readonly<Record<string, string | string[]>>;
}

/** Who asks. */
export interface Principal {
  /** Of the role, with its path; undefined for a request without a signature. */
  readonly roleArn?: string;
  /** Of the account of the principal. */
  readonly organizationId?: string;
  /** Its identity policies. */
  readonly policies: readonly unknown[];
}

export type Verdict = 'allowed' | 'denied' | 'denied explicitly';

/**
 * What IAM says to one request, for a resource of the account that the template is deployed to. Within one account either policy
 * is enough; across accounts both are needed.
 *
 * @throws Error when the simulator takes a policy or request for malformed, or does not know a key of the context.
 */
export async function verdictOn(principal: Principal, request: IamRequest, resourcePolicy?: unknown): Promise<Verdict> {
  const simulation: Simulation = {
    request: {
      principal: principal.roleArn === undefined ? anonymousPrincipal : sessionOf(principal.roleArn),
      action: request.action,
      resource: { resource: request.resource, accountId: ACCOUNT },
      contextVariables: { ...contextOf(principal), ...request.context },
    },
    identityPolicies: principal.policies.map((policy, index) => ({ name: `policy ${index}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(resourcePolicy !== undefined && { resourcePolicy }),
  };
  const answer = await runSimulation(withKnownKeys(simulation), {});
  if (answer.resultType === 'error') throw new Error(`${request.action}: ${JSON.stringify(answer.errors)}`);
  const ignored = answer.resultType === 'single' ? (answer.result.ignoredContextKeys ?? []) : [];
  if (ignored.length > 0) throw new Error(`${request.action} has no ${ignored.join(', ')}`);
  return VERDICTS[answer.overallResult];
}

/** The simulator drops a key whose end is the caller's to choose. A global key, of a text too, stands in for it on both sides. */
function withKnownKeys(simulation: Simulation): Simulation {
  return JSON.parse(
    JSON.stringify(simulation).replaceAll('kms:EncryptionContext:hublease', 'aws:UserAgent'),
  ) as Simulation;
}

const VERDICTS = {
  Allowed: 'allowed',
  ExplicitlyDenied: 'denied explicitly',
  ImplicitlyDenied: 'denied',
} as const satisfies Record<EvaluationResult, Verdict>;

/** A role acts as a session, whose ARN has no path. */
function sessionOf(roleArn: string): string {
  const [, account, name] = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(roleArn) ?? [];
  return `arn:aws:sts::${account}:assumed-role/${name}/session-7`;
}

function contextOf({ roleArn, organizationId }: Principal): Record<string, string> {
  return {
    ...(roleArn !== undefined && {
      'aws:PrincipalArn': roleArn,
      'aws:PrincipalAccount': roleArn.split(':')[4] as string,
    }),
    ...(organizationId !== undefined && { 'aws:PrincipalOrgID': organizationId }),
  };
}
