import { deleteSecret, putSecret } from './core/catalog/secrets.ts';
import { deleteTarget, putTarget } from './core/catalog/targets.ts';
import type { Origin } from './core/model/caller.ts';
import { Failed, fail } from './core/model/failure.ts';
import type { Credential, LoginRoute } from './core/model/target.ts';
import type { AdminPorts } from './core/ports/needs.ts';
import { checkProtectionKey } from './protection-key.ts';
import { check } from './wire/check.ts';
import { SecretBody, secretOrder } from './wire/requests/secret.ts';

/**
 * What CloudFormation asks, as CDK's provider framework hands it on. All properties are texts there, so a secret's limits come
 * as the JSON of its admin PUT. Source: aws-cdk-lib `custom-resources`, "Handling Lifecycle Events".
 */
export interface CatalogEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly RequestId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: TargetProperties | SecretProperties;
}

interface TargetProperties {
  readonly entry: 'target';
  readonly name: string;
  readonly kind: 'user' | 'org';
  readonly organization?: string;
  readonly loginRoute?: LoginRoute;
  /** ARN of the secret that holds the credential. Its owner keeps it; hublease only reads it. */
  readonly credentialArn: string;
  readonly allowUnprovenExpiry?: 'true' | 'false';
  readonly verify: 'true' | 'false';
  readonly description?: string;
}

interface SecretProperties {
  readonly entry: 'secret';
  readonly name: string;
  readonly body: string;
}

/** The one message of a failure that CloudFormation shows to the person who deploys. */
export class CatalogRefused extends Error {
  override readonly name = 'CatalogRefused';
}

/**
 * Keeps targets and secrets that a CDK stack declares in step with the catalog, through the same core as the admin PUTs. They
 * are managed by CDK from then on, and the API refuses to change them. A deletion lets what is open drain and never waits.
 *
 * @throws CatalogRefused with what is wrong, for CloudFormation to show; it rolls back then.
 */
export function catalogResource(
  ports: () => Promise<AdminPorts>,
  readOwners: (target: string, secretArn: string) => Promise<{ readonly credential: Credential } | undefined>,
): (event: CatalogEvent) => Promise<{ readonly PhysicalResourceId: string }> {
  return async (event) => {
    const { entry, name } = event.ResourceProperties;
    // A new name is a new entry: CloudFormation then deletes the one under the old id.
    const id = `${entry}:${name}`;
    try {
      const adminPorts = await ports();
      const origin = deploymentOrigin(event);
      if (event.RequestType === 'Delete') await remove(adminPorts, origin, event.PhysicalResourceId ?? id);
      else await put(adminPorts, origin, event.ResourceProperties, readOwners);
    } catch (error) {
      throw new CatalogRefused(explain(error, id));
    }
    return { PhysicalResourceId: event.RequestType === 'Delete' ? (event.PhysicalResourceId ?? id) : id };
  };
}

function deploymentOrigin(event: CatalogEvent): Origin {
  // CloudFormation acts with the deploying role and does not say which.
  return { caller: { arn: 'cloudformation', accountId: '' }, requestId: event.RequestId };
}

async function put(
  ports: AdminPorts,
  origin: Origin,
  wanted: TargetProperties | SecretProperties,
  readOwners: Parameters<typeof catalogResource>[1],
): Promise<void> {
  if (wanted.entry === 'secret') {
    const body = check(SecretBody, JSON.parse(wanted.body), 'body');
    const order = secretOrder(wanted.name, body);
    await checkProtectionKey(order.protectionJwk);
    await putSecret(ports, origin, { ...order, managedBy: 'cdk' });
    return;
  }
  const { name, kind, organization, loginRoute, credentialArn, allowUnprovenExpiry, verify, description } = wanted;
  const stored = await readOwners(name, credentialArn);
  if (stored === undefined) throw fail({ tag: 'credential_unavailable', target: name, retryAfterSeconds: 5 });
  await putTarget(ports, origin, {
    name,
    kind,
    ...(organization !== undefined && { organization }),
    ...(loginRoute !== undefined && { loginRoute }),
    ...(description !== undefined && { description }),
    // What a stack no longer allows is allowed no more.
    allowUnprovenExpiry: allowUnprovenExpiry === 'true',
    credential: stored.credential,
    credentialRef: credentialArn,
    verify: verify === 'true',
    managedBy: 'cdk',
  });
}

/** Also deletes what a failed create left half done, and is content with what is not there. */
async function remove(ports: AdminPorts, origin: Origin, physicalId: string): Promise<void> {
  const [entry, name = ''] = physicalId.split(':');
  const options = { force: true, managedBy: 'cdk' } as const;
  try {
    if (entry === 'secret') await deleteSecret(ports, origin, name, options);
    if (entry === 'target') await deleteTarget(ports, origin, name, options);
  } catch (error) {
    const tag = error instanceof Failed ? error.failure.tag : undefined;
    if (tag !== 'secret_not_found' && tag !== 'target_not_found' && tag !== 'managed_by_cdk') throw error;
  }
}

function explain(error: unknown, id: string): string {
  if (!(error instanceof Failed)) return `${id}: internal error ${(error as Error).name}`;
  const { failure } = error;
  const evidence = Object.entries(failure)
    .filter(([key]) => key !== 'tag')
    .map(([key, value]) => `${key} ${String(value)}`);
  return [`${id}: ${failure.tag}`, ...evidence].join(', ');
}
