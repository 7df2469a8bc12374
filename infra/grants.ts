import { Annotations, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { LeaseApi, RouteUse } from './api.ts';

/**
 * Lets a role of this account call operations, by its own policy. For a role of another account it writes the half that is
 * ours, the API's resource policy, and says at synth which statement the other account has to add.
 *
 * A stack that does not know its account cannot tell the two apart for a role that was imported by ARN. It takes such a role
 * for foreign, which is right either way: within one account the resource policy alone is enough.
 */
export function grantRoutes(api: LeaseApi, scope: Construct, role: iam.IRole, uses: readonly RouteUse[]): iam.Grant {
  const account = foreignAccount(role, Stack.of(api));
  if (account !== undefined) {
    api.admitRole(role.roleArn, account, uses);
    Annotations.of(scope).addWarningV2(`hublease:grant:${role.node.path}`, missingHalf(api, role, account, uses));
    return iam.Grant.drop(role, 'the role of another account is admitted by the resource policy');
  }
  const grant = grantByIdentity(api, role, uses);
  if (!grant.success) {
    const text = missingHalf(api, role, Stack.of(api).account, uses);
    Annotations.of(scope).addWarningV2(`hublease:grant:${role.node.path}`, text);
  }
  return grant;
}

/**
 * Lets a role of this account call operations that other accounts never reach.
 *
 * @param verb whoever grants, for the error.
 * @throws Error for a role that is known to be of another account: its grant could never work.
 */
export function grantOwnRoutes(api: LeaseApi, verb: string, role: iam.IRole, uses: readonly RouteUse[]): iam.Grant {
  const stack = Stack.of(api);
  const account = foreignAccount(role, stack);
  if (account !== undefined && !Token.isUnresolved(stack.account)) {
    throw new Error(
      `${verb}: expected a role of account ${stack.account}, got ${role.node.path} of account ${account}`,
    );
  }
  return grantByIdentity(api, role, uses);
}

function grantByIdentity(api: LeaseApi, role: iam.IRole, uses: readonly RouteUse[]): iam.Grant {
  return iam.Grant.addToPrincipal({
    grantee: role,
    actions: ['execute-api:Invoke'],
    resourceArns: uses.map(({ route, path }) => api.arnOf(route, path)),
  });
}

/** The account of a role when it is known and is not, or may not be, the one that the API is in. */
function foreignAccount(role: iam.IRole, stack: Stack): string | undefined {
  const { account } = role.env;
  return Token.isUnresolved(account) || account === stack.account ? undefined : account;
}

function missingHalf(api: LeaseApi, role: iam.IRole, account: string, uses: readonly RouteUse[]): string {
  const shown = (value: string, placeholder: string) => (Token.isUnresolved(value) ? placeholder : value);
  const { region, account: own } = Stack.of(api);
  const statement = {
    Effect: 'Allow',
    Action: 'execute-api:Invoke',
    Resource: uses.map(({ route, path }) => {
      const [, , service, , , resource] = api.arnOf(route, path, 'API_ID').split(':');
      return `arn:aws:${service}:${shown(region, 'REGION')}:${shown(own, 'ACCOUNT')}:${resource}`;
    }),
  };
  const inAccount = Token.isUnresolved(account) ? 'its account' : `account ${account}`;
  return `${shown(role.roleName, role.node.path)} cannot be changed from this stack. If it is not a role of the account that you deploy to, add this statement to its policies in ${inAccount}, with what stands before ".execute-api" in the endpoint's URL for API_ID: ${JSON.stringify(statement)}`;
}
