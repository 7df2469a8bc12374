import { anonymousPrincipal, runSimulation } from '@cloud-copilot/iam-simulate';
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
 * @throws Error when the simulator takes a policy or request for malformed.
 */
export async function verdictOn(principal: Principal, request: IamRequest, resourcePolicy?: unknown): Promise<Verdict> {
  const answer = await runSimulation(
    {
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
    },
    {},
  );
  if (answer.resultType === 'error') throw new Error(`${request.action}: ${JSON.stringify(answer.errors)}`);
  if (answer.overallResult === 'Allowed') return 'allowed';
  return answer.overallResult === 'ExplicitlyDenied' ? 'denied explicitly' : 'denied';
}

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
