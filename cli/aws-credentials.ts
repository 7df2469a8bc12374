import { Agent } from 'node:https';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { Credentials } from '../client/client.ts';
import { CommandFailed, EXIT } from './exit.ts';
import { hasProxy, withoutLoopbackProxy } from './fetch.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The AWS SDK's default chain: environment, profiles, SSO, web identity, ECS, instance.
 *
 * @returns a provider that throws CommandFailed `noCredentials` if the chain finds none.
 */
export function awsCredentials(env: Env): () => Promise<Credentials> {
  // Web identity and SSO ask AWS over HTTPS too. Node 22.21 and 24.5 know this option, older ones leave it out.
  const proxyEnv = withoutLoopbackProxy(env);
  const httpsAgent = new Agent({ keepAlive: false, proxyEnv } as ConstructorParameters<typeof Agent>[0]);
  const provider = defaultProvider(hasProxy(env) ? { clientConfig: { requestHandler: { httpsAgent } } } : {});
  return async () => {
    try {
      return await provider();
    } catch (error) {
      throw new CommandFailed(
        EXIT.noCredentials,
        `no AWS credentials: the AWS SDK found no valid ones (${(error as Error).name})`,
        'Set AWS_PROFILE, run "aws sso login", or give the job a role.',
      );
    }
  };
}
