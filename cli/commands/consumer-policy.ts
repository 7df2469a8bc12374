import type { Command } from 'commander';
import { ProblemError } from '../../client/client.ts';
import {
  type ApiAddress,
  apiOfEndpoint,
  consumerPolicy,
  isSecretPattern,
  partitionOf,
} from '../../functions/wire/consumer-policy.ts';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { json, output } from '../output.ts';
import { endpointOf, isOnThisMachine } from '../settings.ts';

interface Flags {
  readonly account?: string;
  readonly apiId?: string;
  readonly output: string;
}

const ACCOUNT_ID = /^\d{12}$/;
const API_ID = /^[a-z0-9]{10}$/;

/** `hublease consumer-policy`. */
export function consumerPolicyCommand(program: Command, context: Context): void {
  program
    .command('consumer-policy')
    .description('print the IAM policy for a role that leases tokens')
    .argument('[secret...]', "names of secrets; '*' matches any text")
    .option('--account <id>', 'AWS account of hublease (optional for admins)')
    .option('--api-id <id>', "id of hublease's API, if the endpoint is a custom domain")
    .addOption(output(['policy', 'json']))
    .action((secrets: string[], flags: Flags) => print(context, secrets, flags));
}

async function print(context: Context, named: readonly string[], flags: Flags): Promise<void> {
  const settings = await context.settings();
  const secrets = named.length > 0 ? named : [settings.secret].filter((name) => name !== undefined);
  check(secrets, flags);
  const { apiId, region } = await apiOf(context, flags);
  const accountId = flags.account ?? (await ownAccount(context, secrets));
  const address: ApiAddress = { partition: partitionOf(region), region, accountId, apiId };
  context.io.out(json(consumerPolicy(address, secrets)));
  if (flags.output === 'json') return;
  context.io.err('Add this policy to the role. Then list the role in "allow" of each secret.\n');
  context.io.err(`If the role is not in account ${accountId}, it must be a consumer too. docs/deploy.md says how.\n`);
}

function check(secrets: readonly string[], { account, apiId }: Flags): void {
  if (secrets.length === 0) {
    throw new CommandFailed(
      EXIT.usage,
      'no secret given',
      "For example: hublease consumer-policy ci/release. '*' matches all secrets.",
    );
  }
  for (const secret of secrets) {
    if (isSecretPattern(secret)) continue;
    throw new CommandFailed(EXIT.usage, `"${secret}" is not a name of a secret`, 'Names look like ci/release or ci/*.');
  }
  if (account !== undefined && !ACCOUNT_ID.test(account)) {
    throw new CommandFailed(EXIT.usage, `--account ${account}: expected 12 digits`);
  }
  if (apiId !== undefined && !API_ID.test(apiId)) {
    throw new CommandFailed(EXIT.usage, `--api-id ${apiId}: expected 10 letters and digits`);
  }
}

/** IAM uses the API's id and region. Only an API Gateway endpoint contains them. */
async function apiOf(context: Context, flags: Flags): Promise<{ readonly apiId: string; readonly region: string }> {
  const settings = await context.settings();
  const endpoint = endpointOf(settings);
  const known = apiOfEndpoint(endpoint);
  const apiId = flags.apiId ?? known?.apiId;
  if (apiId === undefined) {
    throw isOnThisMachine(endpoint)
      ? new CommandFailed(
          EXIT.usage,
          `${endpoint} is an embedded edition, which does not use IAM policies`,
          'Set HUBLEASE_ENDPOINT to the AWS edition, or give --api-id.',
        )
      : new CommandFailed(
          EXIT.usage,
          `${endpoint} does not name an API of API Gateway`,
          'Give --api-id. It is the first part of the stack output EndpointUrl.',
        );
  }
  const { regionOf } = await import('../api.ts');
  return { apiId, region: known?.region ?? regionOf(settings, context.io.env) };
}

/** Only callers of hublease's own account may use admin routes. If one answers, the caller's account is hublease's. */
async function ownAccount(context: Context, secrets: readonly string[]): Promise<string> {
  const client = await context.api();
  try {
    await client.call('listSecrets', { query: { limit: '1' } });
    const { body } = await client.call('whoami');
    for (const name of secrets.filter((each) => !each.includes('*'))) await client.call('getSecret', { name });
    return body.caller.accountId;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.status !== 403) throw error;
    throw new CommandFailed(
      EXIT.denied,
      'the AWS account of hublease is unknown: only admins can look it up',
      'Give --account with the 12 digits of the account.',
    );
  }
}
