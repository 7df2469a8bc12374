import { Fn, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import {
  type ApiAddress,
  apiOfEndpoint,
  consumerPolicy,
  isSecretPattern,
  partitionOf,
} from '../functions/wire/consumer-policy.ts';

export interface ConsumerRoleProps {
  /**
   * The endpoint of hublease, as its stack shows it: `https://API_ID.execute-api.REGION.amazonaws.com/v1`. Give this address even
   * if callers use a custom domain, because IAM policies name the API's id.
   */
  readonly endpointUrl: string;
  /** Id of the account in which hublease runs. */
  readonly hubleaseAccount: string;
  /** Names of the dynamic secrets to lease from, such as `ci/release`. `*` matches any text. */
  readonly secrets: readonly string[];
  /** Who may assume the role: `iam.WebIdentityPrincipal` for a CI system, `iam.ServicePrincipal` for an AWS service. */
  readonly assumedBy: iam.IPrincipal;
  /** The role needs a name, because the `allow` of each secret lists it by name. */
  readonly roleName: string;
  /** @default "Leases Docker Hub tokens from hublease" */
  readonly description?: string;
}

const ACCOUNT_ID = /^\d{12}$/;

/**
 * A role in a consumer's account, with the identity policy to lease from hublease. On hublease's side, the role also needs
 * `consumers` or `grantLease`, and must be in the `allow` of each secret.
 *
 * ```ts
 * new ConsumerRole(this, 'Release', {
 *   endpointUrl: 'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1',
 *   hubleaseAccount: '111122223333',
 *   secrets: ['ci/release'],
 *   roleName: 'ci-release',
 *   assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com'),
 * });
 * ```
 */
export class ConsumerRole extends iam.Role {
  /** The role's ARN without a path. Put it into the `allow` of each secret. */
  readonly allowEntry: string;

  /** @throws Error that names the property, what it got and what it expected. */
  constructor(scope: Construct, id: string, props: ConsumerRoleProps) {
    check(props);
    super(scope, id, {
      assumedBy: props.assumedBy,
      roleName: props.roleName,
      description: props.description ?? 'Leases Docker Hub tokens from hublease',
    });
    const policy = consumerPolicy(addressOf(this, props), props.secrets);
    for (const statement of policy.Statement) this.addToPolicy(iam.PolicyStatement.fromJson(statement));
    const { partition, account } = Stack.of(this);
    this.allowEntry = `arn:${partition}:iam::${account}:role/${props.roleName}`;
  }
}

/** If the endpoint is only known at deployment, CloudFormation splits it. */
function addressOf(scope: Construct, { endpointUrl, hubleaseAccount }: ConsumerRoleProps): ApiAddress {
  const known = apiOfEndpoint(endpointUrl);
  if (known !== undefined) {
    return { partition: partitionOf(known.region), accountId: hubleaseAccount, ...known };
  }
  const host = Fn.select(2, Fn.split('/', endpointUrl));
  const part = (index: number) => Fn.select(index, Fn.split('.', host));
  return { partition: Stack.of(scope).partition, region: part(2), accountId: hubleaseAccount, apiId: part(0) };
}

function check({ endpointUrl, hubleaseAccount, secrets }: ConsumerRoleProps): void {
  if (!Token.isUnresolved(endpointUrl) && apiOfEndpoint(endpointUrl) === undefined) {
    throw new Error(
      `endpointUrl: expected https://API_ID.execute-api.REGION.amazonaws.com/v1, got "${endpointUrl}". IAM needs API Gateway's own address, even if callers use a custom domain`,
    );
  }
  if (!Token.isUnresolved(hubleaseAccount) && !ACCOUNT_ID.test(hubleaseAccount)) {
    throw new Error(`hubleaseAccount: expected an account id of 12 digits, got "${hubleaseAccount}"`);
  }
  if (secrets.length === 0) throw new Error('secrets: expected the name of at least one secret, got none');
  for (const secret of secrets) {
    if (!Token.isUnresolved(secret) && !isSecretPattern(secret)) {
      throw new Error(`secrets: expected names such as ci/release, where "*" matches any text, got "${secret}"`);
    }
  }
}
