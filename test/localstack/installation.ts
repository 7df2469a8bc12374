import { join } from 'node:path';
import { type Client, hubleaseClient } from '../../client/client.ts';
import type { AnswerOf } from '../../functions/wire/operations.ts';
import { pullByRequests } from '../../local/demo/pull-by-requests.ts';
import { type Synthesized, synthesize } from './app.ts';
import { REPOSITORY } from './hub.ts';
import { until } from './polling.ts';
import { CALLER_HEADER } from './runtime/caller.ts';
import type { World } from './world.ts';

export type Minted = AnswerOf<'mintLease'>['body'];
export type LeaseView = Minted['lease'];

/** The deployed stack. */
export interface Installation extends World {
  readonly synthesized: Synthesized;
  /** Synthesizes the stack with another default TTL of the declared secret. */
  synthesizeWith(defaultTtlSeconds: number): Synthesized;
  /** A client that calls the API through API Gateway as this caller. An empty ARN means that nobody signed. */
  as(callerArn: string): Client;
  /** A session of the role that may lease from the declared secret. */
  readonly buildArn: string;
  /** Physical id of a resource, by its logical id without the hash. @throws Error when there is no such resource. */
  idOf(logicalName: string): string;
  readonly leaseTable: string;
}

export const PLATFORM_ARN = 'arn:aws:sts::000000000000:assumed-role/platform/engineer';
export const CI_ARN = 'arn:aws:sts::111122223333:assumed-role/ci/build-7';

const FIRST_TTL_SECONDS = 600;

/** Creates the stack. */
export async function install(world: World): Promise<Installation> {
  const synthesizeWith = (defaultTtlSeconds: number) =>
    synthesize(join(world.folder, `cdk-${defaultTtlSeconds}`), {
      credentialArn: world.credentialArn,
      defaultTtlSeconds,
    });
  const synthesized = synthesizeWith(FIRST_TTL_SECONDS);
  await world.stack.create(synthesized);
  // A test enables them when it needs them.
  await switchSweeps(world, 'Disable');
  const [outputs, resources] = await Promise.all([world.stack.outputs(), world.stack.resources()]);
  const apiId = /\/\/([a-z0-9]+)\./.exec(outputs.EndpointUrl ?? '')?.[1];
  const endpoint = `${world.emulator.endpoint}/_aws/execute-api/${apiId}/v1`;
  return {
    ...world,
    synthesized,
    synthesizeWith,
    as: (callerArn) =>
      hubleaseClient({
        endpoint,
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' },
        fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, [CALLER_HEADER]: callerArn } }),
      }),
    buildArn: `arn:aws:sts::000000000000:assumed-role/${outputs.BuildRole}/build-7`,
    leaseTable: outputs.LeaseTable as string,
    idOf(logicalName) {
      const named = new RegExp(`^${logicalName}[0-9A-F]{8}$`);
      const found = resources.filter(({ LogicalResourceId }) => named.test(LogicalResourceId));
      const [only] = found;
      if (found.length !== 1 || only?.PhysicalResourceId === undefined) throw new Error(`no resource ${logicalName}`);
      return only.PhysicalResourceId;
    },
  };
}

/** Enables or disables the sweeps, which run every 5 s here. */
export async function switchSweeps({ requests }: World, way: 'Enable' | 'Disable'): Promise<void> {
  const { Rules } = (await requests.json('events', 'AWSEvents.ListRules', {})) as { Rules: { Name: string }[] };
  for (const { Name } of Rules) await requests.json('events', `AWSEvents.${way}Rule`, { Name });
}

/** Mints a token as `CI_ARN`. */
export async function mint(installation: Installation, name: string, ttl: string): Promise<Minted> {
  return (await installation.as(CI_ARN).call('mintLease', { name, body: { ttl } })).body;
}

/** Says whether the token can pull from the private repository. */
export async function pulls({ hub }: Pick<World, 'hub'>, { credential }: Minted): Promise<boolean> {
  const password = 'password' in credential ? credential.password : '';
  const image = { registryOrigin: hub.url, repository: REPOSITORY, tag: 'latest' };
  return (await pullByRequests(image, { username: credential.username, password })) !== undefined;
}

/** Waits until Docker Hub has deleted the token of a lease, and returns the time of the deletion. */
export async function deletionOf({ hub }: Pick<World, 'hub'>, { lease }: Minted): Promise<number> {
  const deleted = async () => hub.control.deletions().find(({ id }) => id === lease.tokenId);
  return (await until(`the token of lease ${lease.id} was deleted`, deleted)).atMs;
}

/** Waits until hublease has recorded that a lease is revoked, and returns the lease. */
export async function revokedLease(installation: Installation, { lease }: Minted): Promise<LeaseView> {
  return until(`lease ${lease.id} was revoked`, async () => {
    const now = (await installation.as(CI_ARN).call('getLease', { name: lease.id })).body.lease;
    return now.status === 'revoked' && now;
  });
}
