import { Annotations, AspectPriority, Aspects, Aws, type IAspect, Lazy, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct, IConstruct } from 'constructs';
import { CALLER_ROUTES, openEnded } from '../functions/wire/consumer-policy.ts';
import { STAGE } from '../functions/wire/route.ts';
import { charactersOf, FAIL_ABOVE_CHARACTERS, WARN_ABOVE_CHARACTERS } from './policy-size.ts';

/** Who besides this account may be given the callers' routes. Their own IAM policies must let them, too. */
export interface Consumers {
  /** Ids of other AWS accounts. The API's own account fails at synth where the stack knows it. @default none */
  readonly accounts?: readonly string[] | undefined;
  /** Id of an AWS organization (`o-…`), all of whose other accounts are consumers. @default none */
  readonly organizationId?: string | undefined;
}

const ACCOUNT_ID = /^\d{12}$/;
const ORGANIZATION_ID = /^o-[a-z0-9]{10,32}$/;
const INVOKE = ['execute-api:Invoke'];

/** Matches principals of every account but the API's own. */
const NOT_OWN_ACCOUNT = { StringNotEquals: { 'aws:PrincipalAccount': Aws.ACCOUNT_ID } };

/**
 * The API's own policy: who of other accounts is a consumer. It does not say of which secrets. Each role's identity policy and
 * the `allow` of the secret do, so the policy grows with the number of roles and not with that of secrets.
 */
export class ResourcePolicy {
  readonly document: iam.PolicyDocument;
  readonly #accounts: readonly string[];
  readonly #roleArns = new Set<string>();

  /**
   * @param vpcEndpointIds the only ways to a private API; none for any other.
   * @throws Error for accounts and organizations of another form, and for the API's own account where it is known.
   */
  constructor(consumers: Consumers, ownAccount: string, vpcEndpointIds: readonly string[] = []) {
    checkConsumers(consumers, ownAccount);
    this.#accounts = consumers.accounts ?? [];
    this.document = new iam.PolicyDocument({
      statements: [denyForeignAdmins(), ...denyOtherWays(vpcEndpointIds), ...consumerStatements(consumers)],
    });
  }

  /**
   * Makes one role of another account a consumer. A role of an account that is a consumer is one already.
   *
   * @throws Error for an ARN with a wildcard, which would admit more than one role.
   */
  admitRole(roleArn: string, accountId: string): void {
    if (!Token.isUnresolved(roleArn) && /[*?]/.test(roleArn)) {
      throw new Error(`grantLease: expected the ARN of one role, got "${roleArn}"`);
    }
    if (this.#accounts.includes(accountId)) return;
    if (this.#roleArns.size === 0) this.document.addStatements(this.#rolesStatement());
    this.#roleArns.add(roleArn);
  }

  /** Stops a synth whose policy API Gateway would refuse, and warns before it comes to that. */
  watchSize(scope: Construct): void {
    const characters = () => charactersOf(Stack.of(scope).resolve(this.document));
    scope.node.addValidation({
      validate: () => (characters() > FAIL_ABOVE_CHARACTERS ? [tooLarge(characters(), this.#roleArns.size)] : []),
    });
    const warn: IAspect = {
      visit: (node: IConstruct) => {
        if (node !== scope || characters() <= WARN_ABOVE_CHARACTERS || characters() > FAIL_ABOVE_CHARACTERS) return;
        Annotations.of(scope).addWarningV2('hublease:resource-policy', tooLarge(characters(), this.#roleArns.size));
      },
    };
    // After every aspect that may still grant something.
    Aspects.of(scope).add(warn, { priority: AspectPriority.READONLY });
  }

  /**
   * Anybody, if their role is one of those: a role as the principal would be turned into an internal id, which a role made anew
   * does not have, and the account of each role would take as much room again. Anonymous requests have no ARN and do not match.
   */
  #rolesStatement(): iam.PolicyStatement {
    const roleArns = Lazy.uncachedAny({
      produce: (context) => {
        const arns = [...this.#roleArns].map((arn) => context.resolve(arn) as unknown);
        // Another order would be another deployment.
        return arns.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
      },
    });
    return new iam.PolicyStatement({
      principals: [new iam.AnyPrincipal()],
      actions: INVOKE,
      resources: callersResources(),
      conditions: { ArnEquals: { 'aws:PrincipalArn': roleArns } },
    });
  }
}

function tooLarge(characters: number, roles: number): string {
  return `The API's resource policy has ${characters} characters, and API Gateway takes ${FAIL_ABOVE_CHARACTERS}. It names ${roles} roles of other accounts. Name their accounts in consumers.accounts: roles of these accounts take no more room. Or set consumers.organizationId, and name the roles in "allow" of each secret in place of grantLease.`;
}

/** Whatever identity policies and other statements say: nobody of another account administers this installation. */
function denyForeignAdmins(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    effect: iam.Effect.DENY,
    principals: [new iam.AnyPrincipal()],
    actions: INVOKE,
    resources: ['execute-api:/*/*/admin', 'execute-api:/*/*/admin/*'],
    conditions: NOT_OWN_ACCOUNT,
  });
}

/** A private API is open to the VPC endpoints that were named, and to no other of the account or of others. */
function denyOtherWays(vpcEndpointIds: readonly string[]): iam.PolicyStatement[] {
  if (vpcEndpointIds.length === 0) return [];
  return [
    new iam.PolicyStatement({
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: INVOKE,
      resources: ['execute-api:/*'],
      conditions: { StringNotEquals: { 'aws:SourceVpce': [...vpcEndpointIds] } },
    }),
  ];
}

/**
 * Account principals, with a condition where needed: an ARN of a role loses its meaning when the role is made anew.
 *
 * Within one account a resource policy is enough by itself, so that a statement that also matched the API's own account would
 * open the API to all of its principals, whatever their own policies say. Source: API Gateway Developer Guide, "How API Gateway
 * resource policies affect authorization workflow", table A.
 */
function consumerStatements({ accounts = [], organizationId }: Consumers): iam.PolicyStatement[] {
  const statements: iam.PolicyStatement[] = [];
  if (accounts.length > 0) {
    statements.push(
      new iam.PolicyStatement({
        principals: accounts.map((account) => new iam.AccountPrincipal(account)),
        actions: INVOKE,
        resources: callersResources(),
        conditions: NOT_OWN_ACCOUNT,
      }),
    );
  }
  if (organizationId !== undefined) {
    statements.push(
      new iam.PolicyStatement({
        principals: [new iam.AnyPrincipal()],
        actions: INVOKE,
        resources: callersResources(),
        conditions: { StringEquals: { 'aws:PrincipalOrgID': organizationId }, ...NOT_OWN_ACCOUNT },
      }),
    );
  }
  return statements;
}

/** The callers' routes in the API's own policy, which API Gateway completes with the API's ARN. */
function callersResources(): string[] {
  return CALLER_ROUTES.map(({ method, path }) => `execute-api:/${STAGE}/${method}${openEnded(path)}`);
}

/** @param ownAccount of the stack; a token where it is only known when the stack is deployed. */
function checkConsumers({ accounts = [], organizationId }: Consumers, ownAccount: string): void {
  for (const account of accounts) {
    if (!ACCOUNT_ID.test(account))
      throw new Error(`consumers.accounts: expected account ids of 12 digits, got "${account}"`);
    if (!Token.isUnresolved(ownAccount) && account === ownAccount) {
      throw new Error(
        `consumers.accounts: ${account} is the account of hublease itself. Remove it: principals of this account need only their own IAM policies`,
      );
    }
  }
  if (organizationId !== undefined && !ORGANIZATION_ID.test(organizationId)) {
    throw new Error(`consumers.organizationId: expected an id such as o-a1b2c3d4e5, got "${organizationId}"`);
  }
}
