import type { Command } from 'commander';
import type { Kind } from '../catalog-document.ts';
import { readItem } from '../catalog-item.ts';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { json, output, table, withSpinner } from '../output.ts';
import { collectSecrets, collectTargets } from '../pages.ts';
import { type ApplyFlags, applyFile } from './apply.ts';

/** `hublease secrets` and `hublease targets`. */
export function catalogCommands(program: Command, context: Context): void {
  for (const kind of ['Secret', 'Target'] as const) {
    const plural = `${kind.toLowerCase()}s`;
    const group = program.command(plural).description(`manage ${plural} (admins)`);
    group
      .command('list')
      .description(`list ${plural} by name`)
      .option('--prefix <name>', `only ${plural} in this folder`)
      .addOption(output())
      .action((flags: { prefix?: string; output: string }) => list(context, kind, flags));
    group
      .command('get')
      .description(`show a ${kind.toLowerCase()}`)
      .argument('<name>', `name of the ${kind.toLowerCase()}`)
      .addOption(output(['yaml', 'json']))
      .action((name: string, flags: { output: string }) => get(context, kind, name, flags));
    group
      .command('apply')
      .description('create or change the items in a YAML or JSON file, and show the differences')
      .requiredOption('-f, --file <path>', 'the file, or - for standard input')
      .option('--dry-run', 'only show the differences')
      .option('--credentials', 'send credentials again even if nothing else differs')
      .action((flags: ApplyFlags) => applyFile(context, flags));
    group
      .command('delete')
      .description(`delete a ${kind.toLowerCase()}`)
      .argument('<name>', `name of the ${kind.toLowerCase()}`)
      .option('--dry-run', 'only show what would be deleted')
      .option('--force', 'stop new leases now, and delete when the open leases have ended')
      .action((name: string, flags: { dryRun?: boolean; force?: boolean }) => remove(context, kind, name, flags));
    if (kind === 'Target') targetCommands(group, context);
  }
}

function targetCommands(group: Command, context: Context): void {
  group
    .command('verify')
    .description('test a target: log in to Docker Hub, make a token and delete it')
    .argument('<name>', 'name of the target')
    .addOption(output())
    .action((name: string, flags: { output: string }) => verify(context, name, flags));
  group
    .command('dismiss')
    .description('mark tokens as not made by hublease, so that they no longer block leases')
    .argument('<name>', 'name of the target')
    .argument('<token-id...>', 'ids from a lease\'s "blockedBy" or from "hublease doctor"')
    .action((name: string, tokenIds: string[]) => dismiss(context, name, tokenIds));
}

async function list({ io, api }: Context, kind: Kind, flags: { prefix?: string; output: string }): Promise<void> {
  const client = await api();
  const query = flags.prefix ? { prefix: flags.prefix } : {};
  if (kind === 'Secret') {
    const secrets = await collectSecrets(client, query);
    const rows = secrets.map((each) => [
      each.name,
      each.target,
      each.scope ?? 'resources',
      `${each.defaultTtlSeconds} s`,
      `${each.maxTtlSeconds} s`,
      each.status,
    ]);
    const head = ['SECRET', 'TARGET', 'SCOPE', 'TTL', 'MAX TTL', 'STATUS'];
    return io.out(flags.output === 'json' ? json(secrets) : table(head, rows));
  }
  const targets = await collectTargets(client, query);
  const rows = targets.map((each) => [
    each.name,
    each.kind,
    each.organization ?? each.username,
    verifiedAt(each.verification),
    each.status,
  ]);
  io.out(flags.output === 'json' ? json(targets) : table(['TARGET', 'KIND', 'ACCOUNT', 'VERIFIED', 'STATUS'], rows));
}

function verifiedAt(verification: { readonly at: string } | 'pending' | undefined): string {
  return typeof verification === 'object' ? verification.at : (verification ?? 'never');
}

async function get({ io, api }: Context, kind: Kind, name: string, flags: { output: string }): Promise<void> {
  const item = await readItem(await api(), kind, name);
  if (flags.output === 'json') return io.out(json(item));
  const { stringify } = await import('../yaml.ts');
  io.out(stringify(item, { lineWidth: 0 }));
}

async function remove(
  { io, api }: Context,
  kind: Kind,
  name: string,
  flags: { dryRun?: boolean; force?: boolean },
): Promise<void> {
  const client = await api();
  const title = `${kind.toLowerCase()} ${name}`;
  if (flags.dryRun) {
    await readItem(client, kind, name);
    return io.err(`${title}: would be deleted\n`);
  }
  const query = flags.force ? { query: { force: 'true' } } : {};
  const { body } = await client.call(kind === 'Secret' ? 'deleteSecret' : 'deleteTarget', { name, ...query });
  const { removed, openLeases } = body;
  io.err(
    removed
      ? `${title}: deleted\n`
      : `${title}: gives no more leases, and goes away when its ${openLeases} open leases have ended\n`,
  );
}

async function verify({ io, api }: Context, name: string, flags: { output: string }): Promise<void> {
  const client = await api();
  const call = { name, body: { action: 'verify' } };
  const { status, body } = await withSpinner(io, `verifying ${name}`, () => client.call('actOnTarget', call));
  if (flags.output === 'json') io.out(json(body.target));
  const { verification, verificationPending } = body.target;
  if (status === 202 || typeof verification !== 'object') {
    const hint = verificationPending?.detail ?? 'Run the command again.';
    throw new CommandFailed(EXIT.dockerHub, `Docker Hub took too long to verify "${name}"`, hint);
  }
  if (flags.output === 'json') return;
  const { warnings = [], ...learned } = verification;
  io.out(
    table(
      ['target', name],
      Object.entries(learned).map(([key, value]) => [key, String(value)]),
    ),
  );
  for (const text of warnings) io.err(`warning: ${text}\n`);
}

async function dismiss({ io, api }: Context, name: string, tokenIds: readonly string[]): Promise<void> {
  const client = await api();
  await client.call('actOnTarget', { name, body: { action: 'dismiss', tokenIds } });
  io.err(`target ${name}: ${tokenIds.join(' ')} dismissed\n`);
  io.err('  They keep no lease open any more, and hublease does not delete them.\n');
}
