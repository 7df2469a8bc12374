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
   * hublease's endpoint, as its stack shows it: `https://API_ID.execute-api.REGION.amazonaws.com/v1`. Where callers use a custom
   * domain, this is still API Gateway's own address, because IAM goes by the API's id.
   */
  readonly endpointUrl: string;
  /** Id of the account that hublease is in. */
  readonly hubleaseAccount: string;
  /** Dynamic secrets to lease from: names such as `ci/release`, in which `*` stands for anything. */
  readonly secrets: readonly string[];
  /** Who may take the role: `iam.WebIdentityPrincipal` for a CI system, `iam.ServicePrincipal` for a service of AWS. */
  readonly assumedBy: iam.IPrincipal;
  /** The role needs a name, because the `allow` of each secret lists it by name. */
  readonly roleName: string;
  /** @default "Leases Docker Hub tokens from hublease" */
  readonly description?: string;
}

const ACCOUNT_ID = /^\d{12}$/;

/**
 * A role of a consumer's account that may lease from hublease: the half of the permission that the consumer writes. hublease's
 * half is `consumers` or `grantLease`, and `allow` of each secret.
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
  /** What `allow` of each secret lists: the role's ARN without a path. */
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

/** An endpoint that is only known at deployment is taken apart then. */
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
      `endpointUrl: expected https://API_ID.execute-api.REGION.amazonaws.com/v1, got "${endpointUrl}". IAM needs API Gateway's own address, also where callers use a custom domain`,
    );
  }
  if (!Token.isUnresolved(hubleaseAccount) && !ACCOUNT_ID.test(hubleaseAccount)) {
    throw new Error(`hubleaseAccount: expected an account id of 12 digits, got "${hubleaseAccount}"`);
  }
  if (secrets.length === 0) throw new Error('secrets: expected the name of one secret at least, got none');
  for (const secret of secrets) {
    if (!Token.isUnresolved(secret) && !isSecretPattern(secret)) {
      throw new Error(`secrets: expected names such as ci/release, in which "*" stands for anything, got "${secret}"`);
    }
  }
}
