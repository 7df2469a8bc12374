import { Annotations, AspectPriority, Aspects, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { consumerArns, consumerStatement } from '../functions/wire/consumer-policy.ts';
import type { Route } from '../functions/wire/route.ts';
import type { LeaseApi } from './api.ts';
import { ConsumerRole } from './consumer-role.ts';

/**
 * Lets a role lease from a secret and look after its own leases. A role of this account gets that in its own policy. For a role
 * of another account it writes the half that is ours, the API's resource policy, and says at synth which statement the other
 * account has to add.
 *
 * A stack that does not know its account cannot tell the two apart for a role that was imported by ARN. It takes such a role
 * for foreign, which is right either way: within one account the resource policy alone is enough.
 */
export function grantLeases(api: LeaseApi, role: iam.IRole, secret: string): iam.Grant {
  const account = foreignAccount(role, Stack.of(api));
  if (account !== undefined) {
    api.resourcePolicy.admitRole(role.roleArn, account);
    // Its half is its own to write.
    if (!(role instanceof ConsumerRole)) missingHalves(api).note(role, account, secret);
    return iam.Grant.drop(role, 'the role of another account is admitted by the resource policy');
  }
  const grant = roleGrants(api).add(role, consumerArns(api.address, [secret]));
  if (!grant.success) missingHalves(api).note(role, Stack.of(api).account, secret);
  return grant;
}

/**
 * Lets a role of this account call operations that other accounts never reach.
 *
 * @param verb names the grant, for the error.
 * @throws Error for a role that is known to be of another account: its grant could never work.
 */
export function grantOwnRoutes(api: LeaseApi, verb: string, role: iam.IRole, routes: readonly Route[]): iam.Grant {
  const stack = Stack.of(api);
  const account = foreignAccount(role, stack);
  if (account !== undefined && !Token.isUnresolved(stack.account)) {
    throw new Error(
      `${verb}: expected a role of account ${stack.account}, got ${role.node.path} of account ${account}`,
    );
  }
  return roleGrants(api).add(
    role,
    routes.map((route) => api.arnOf(route)),
  );
}

/** The account of a role when it is known and is not, or may not be, the one that the API is in. */
function foreignAccount(role: iam.IRole, stack: Stack): string | undefined {
  const { account } = role.env;
  return Token.isUnresolved(account) || account === stack.account ? undefined : account;
}

/**
 * Most characters of a statement's resources. IAM takes 10,240 in a role's own policies and 6,144 in a managed policy, into which
 * CDK moves what is too much; CDK moves whole statements.
 */
const STATEMENT_CHARACTERS = 5_900;
/** The part of an ARN before the stage, its quotes and a comma: partition, region, account and API id at their longest. */
const ARN_BEGINNING_CHARACTERS = 70;

/** What each role has been granted. Many grants to one role share a statement, for a role's policies are short of room. */
class RoleGrants {
  readonly #grants = new Map<iam.IRole, { readonly grant: iam.Grant; readonly arns: Set<string> }>();

  add(role: iam.IRole, arns: readonly string[]): iam.Grant {
    const held = this.#grants.get(role);
    const statement = held?.grant.principalStatements[0];
    const added = arns.filter((arn) => held?.arns.has(arn) !== true);
    if (
      held !== undefined &&
      statement?.frozen === false &&
      charactersOf([...held.arns, ...added]) <= STATEMENT_CHARACTERS
    ) {
      statement.addResources(...added);
      for (const arn of added) held.arns.add(arn);
      return held.grant;
    }
    const grant = iam.Grant.addToPrincipal({ grantee: role, actions: ['execute-api:Invoke'], resourceArns: [...arns] });
    if (grant.success) this.#grants.set(role, { grant, arns: new Set(arns) });
    return grant;
  }
}

function charactersOf(arns: readonly string[]): number {
  const paths = arns.map((arn) => arn.slice(arn.indexOf('/')));
  return paths.reduce((sum, path) => sum + ARN_BEGINNING_CHARACTERS + path.length, 0);
}

/** Roles whose policies are not this stack's to change, and the secrets that each was granted. */
class MissingHalves {
  readonly #api: LeaseApi;
  readonly #roles = new Map<iam.IRole, { readonly account: string; readonly secrets: Set<string> }>();

  constructor(api: LeaseApi) {
    this.#api = api;
    // One warning for each role, with all of its secrets: so it is written when nothing more is granted.
    const warn = { visit: (node: unknown) => node === api && this.#warn() };
    Aspects.of(api).add(warn, { priority: AspectPriority.READONLY });
  }

  note(role: iam.IRole, account: string, secret: string): void {
    const noted = this.#roles.get(role) ?? { account, secrets: new Set() };
    noted.secrets.add(secret);
    this.#roles.set(role, noted);
  }

  #warn(): void {
    for (const [role, { account, secrets }] of this.#roles) {
      const text = missingHalf(this.#api, role, account, [...secrets].sort());
      Annotations.of(this.#api).addWarningV2(`hublease:grant:${role.node.path}`, text);
    }
  }
}

function missingHalf(api: LeaseApi, role: iam.IRole, account: string, secrets: readonly string[]): string {
  const shown = (value: string, placeholder: string) => (Token.isUnresolved(value) ? placeholder : value);
  const { partition, region, account: own } = Stack.of(api);
  const address = {
    partition: shown(partition, 'aws'),
    region: shown(region, 'REGION'),
    accountId: shown(own, 'ACCOUNT'),
    apiId: 'API_ID',
  };
  const { Sid: _, ...statement } = consumerStatement(consumerArns(address, secrets));
  const inAccount = Token.isUnresolved(account) ? 'its account' : `account ${account}`;
  return `${shown(role.roleName, role.node.path)} cannot be changed from this stack. If it is not a role of the account that you deploy to, add this statement to its policies in ${inAccount}, with what stands before ".execute-api" in the endpoint's URL for API_ID: ${JSON.stringify(statement)}`;
}

/** One of a kind for each API, made when it is first asked for. */
function perApi<T>(make: (api: LeaseApi) => T): (api: LeaseApi) => T {
  const made = new WeakMap<LeaseApi, T>();
  return (api) => {
    const found = made.get(api) ?? make(api);
    made.set(api, found);
    return found;
  };
}

const roleGrants = perApi(() => new RoleGrants());
const missingHalves = perApi((api) => new MissingHalves(api));
