import { join } from 'node:path';
import { type Client, hubleaseClient } from '../../client/client.ts';
import type { AnswerOf } from '../../functions/wire/answers.ts';
import { pullByRequests } from '../../local/demo/pull-by-requests.ts';
import { type Synthesized, synthesize } from './app.ts';
import { REPOSITORY } from './hub.ts';
import { CALLER_HEADER } from './runtime/caller.ts';
import type { World } from './world.ts';

export type Minted = AnswerOf<'mintLease'>['body'];
export type LeaseView = Minted['lease'];

/** The deployed stack, and what callers and tests do with it. */
export interface Installation extends World {
  readonly synthesized: Synthesized;
  /** Synthesizes the same stack with another default TTL of the declared secret. */
  synthesizeWith(defaultTtlSeconds: number): Synthesized;
  /** Somebody who calls the API through API Gateway. */
  as(callerArn: string): Client;
  /** The role that the stack grants its declared secret to. */
  readonly buildArn: string;
  /** Physical id of a resource, by the logical id without its hash. @throws Error unless there is one. */
  idOf(logicalName: string): string;
  readonly leaseTable: string;
}

export const PLATFORM_ARN = 'arn:aws:sts::000000000000:assumed-role/platform/engineer';
export const CI_ARN = 'arn:aws:sts::111122223333:assumed-role/ci/build-7';

const FIRST_TTL_SECONDS = 600;

/** Deploys the stack into a fresh world. */
export async function install(world: World): Promise<Installation> {
  const synthesizeWith = (defaultTtlSeconds: number) =>
    synthesize(join(world.folder, `cdk-${defaultTtlSeconds}`), {
      credentialArn: world.credentialArn,
      defaultTtlSeconds,
    });
  const synthesized = synthesizeWith(FIRST_TTL_SECONDS);
  await world.stack.create(synthesized);
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
        // Who signed is not seen by the emulator: the functions' processes read it here.
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

/** Mints as `CI_ARN` from a secret, for a time. */
export async function mint(installation: Installation, name: string, ttl: string): Promise<Minted> {
  return (await installation.as(CI_ARN).call('mintLease', { name, body: { ttl } })).body;
}

/** Whether a token opens a private repository of the fake Docker Hub's registry. */
export async function pulls({ hub }: Pick<World, 'hub'>, { credential }: Minted): Promise<boolean> {
  const password = 'password' in credential ? credential.password : '';
  const image = { registryOrigin: hub.url, repository: REPOSITORY, tag: 'latest' };
  return (await pullByRequests(image, { username: credential.username, password })) !== undefined;
}
