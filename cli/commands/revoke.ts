import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { forgetRevoked } from '../lease-cache.ts';
import { collectLeases } from '../lease-pages.ts';
import { table, withSpinner } from '../output.ts';

/** Open leases that `--mine` revokes in one go. */
const MOST_REVOKED = 1_000;

interface RevokeFlags {
  readonly all?: boolean;
  readonly mine?: boolean;
  readonly prefix?: string;
  readonly target?: string;
  readonly caller?: string;
  readonly leaked?: string;
}

/** `hublease revoke`. */
export function revokeCommand(program: Command, context: Context): void {
  program
    .command('revoke')
    .description('revoke leases now')
    .argument('[id]')
    .option('--all', "with an id: anybody's, for administrators")
    .option('--mine', 'all of your own')
    .option('--prefix <name>', 'all of the secrets below it, for administrators')
    .option('--target <name>', 'all of one target, for administrators')
    .option('--caller <arn>', 'all of one role, for administrators')
    .option('--leaked <->', 'the lease of a leaked token, read from standard input, for administrators')
    .action(async (id: string | undefined, flags: RevokeFlags) => {
      const { mine, prefix, target, caller, leaked } = flags;
      const given = [id, mine, prefix, target, caller, leaked].filter((each) => each !== undefined);
      if (given.length !== 1)
        throw new CommandFailed(
          EXIT.usage,
          'revoke what? Give one of ID, --mine, --prefix, --target, --caller, --leaked -',
        );
      if (id !== undefined) return revokeOne(context, id, flags.all === true);
      if (mine) return revokeMine(context);
      const body =
        leaked === undefined ? { prefix, target, caller } : { tokenSha256: await leakedHash(context, leaked) };
      return revokeMatching(context, body);
    });
}

async function revokeOne({ io, api }: Context, id: string, anybodys: boolean): Promise<void> {
  const client = await api();
  const operation = anybodys ? 'revokeAnyLease' : 'revokeLease';
  const { status, body } = await withSpinner(io, `revoking ${id}`, () => client.call(operation, { name: id }));
  forgetRevoked(io.env, new Set([id]));
  io.err(status === 202 ? 'Docker Hub could not be reached; the revocation goes on by itself\n' : '');
  io.out(`${body.lease.status}\n`);
}

/** One lease that cannot be revoked does not stop the others. */
async function revokeMine({ io, api }: Context): Promise<void> {
  const client = await api();
  const pages = ['minting', 'active'].map((status) => collectLeases(client, 'listLeases', { status }, MOST_REVOKED));
  const open = (await Promise.all(pages)).flat();
  const revoked = new Set<string>();
  for (const { id } of open) {
    try {
      const { body } = await client.call('revokeLease', { name: id });
      revoked.add(id);
      io.out(`${id} ${body.lease.status}\n`);
    } catch {
      io.err(`${id} could not be revoked now; it ends by itself\n`);
    }
  }
  forgetRevoked(io.env, revoked);
  const failed = open.length - revoked.size;
  if (open.length === 0) io.err('nothing to revoke: you have no open lease\n');
  if (failed > 0) throw new CommandFailed(EXIT.error, `${failed} of ${open.length} leases could not be revoked`);
}

async function revokeMatching({ io, api }: Context, selector: object): Promise<void> {
  const client = await api();
  const { body } = await withSpinner(io, 'revoking', () => client.call('revokeMatching', { body: selector }));
  forgetRevoked(io.env, new Set(body.leases.map(({ id }) => id)));
  io.out(
    table(
      ['LEASE', 'SECRET', 'CALLER', 'ISSUED', 'STATUS'],
      body.leases.map((each) => [each.id, each.secret, each.caller, each.issuedAt, each.status]),
    ),
  );
  io.err(`${body.count} being revoked${body.complete ? '' : '; there are more, repeat the command'}\n`);
}

/** Only the hash of a leaked token travels. */
async function leakedHash({ io }: Context, from: string): Promise<string> {
  if (from !== '-')
    throw new CommandFailed(
      EXIT.usage,
      '--leaked takes "-": the token is read from standard input, so that no other user sees it',
    );
  const token = (await io.readAll()).trim();
  if (!/^dckr_(?:pat|oat)_[\w-]{8,128}$/.test(token))
    throw new CommandFailed(EXIT.usage, 'standard input holds no Docker Hub token');
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(token).digest('hex');
}
