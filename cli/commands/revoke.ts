import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { forgetRevoked } from '../lease-cache.ts';
import { isAttested, whyOpen } from '../lease-words.ts';
import { table, withSpinner } from '../output.ts';
import { collectLeases } from '../pages.ts';

/** Maximum of open leases that `--mine` revokes. */
const MAX_REVOKED = 1_000;

interface RevokeFlags {
  readonly all?: boolean;
  readonly attest?: boolean;
  readonly reason?: string;
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
    .argument('[id]', 'id of one lease')
    .option('--all', 'with an id: revoke a lease of any caller (admins)')
    .option('--attest', 'with an id: close the lease without proof (admins)')
    .option('--reason <text>', 'with --attest: say why you are sure that the token is gone')
    .option('--mine', 'revoke all your own leases')
    .option('--prefix <name>', 'revoke all leases of this secret or folder (admins)')
    .option('--target <name>', 'revoke all leases of a target (admins)')
    .option('--caller <arn>', 'revoke all leases of a role (admins)')
    .option('--leaked <->', 'revoke the lease of a leaked token (admins). "-" reads the token from standard input')
    .action(async (id: string | undefined, flags: RevokeFlags) => {
      const { mine, prefix, target, caller, leaked } = flags;
      const given = [id, mine, prefix, target, caller, leaked].filter((each) => each !== undefined);
      if (given.length !== 1)
        throw new CommandFailed(
          EXIT.usage,
          'expected exactly one of ID, --mine, --prefix, --target, --caller, --leaked -',
        );
      checkAttestation(id, flags);
      if (id !== undefined && flags.reason !== undefined) return attestOne(context, id, flags.reason);
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
  const { body } = await withSpinner(io, `revoking ${id}`, () => client.call(operation, { name: id }));
  forgetRevoked(io.env, new Set([id]));
  if (body.lease.status !== 'revoked') io.err(stillOpen(body.lease));
  io.out(`${body.lease.status}\n`);
}

/** Says why there is no proof yet. */
function stillOpen(lease: Parameters<typeof whyOpen>[0]): string {
  return `not proven yet: ${whyOpen(lease) ?? 'Docker Hub has not confirmed it'}. hublease continues by itself\n`;
}

/** `--reason` and `--attest` need each other, and the id of a lease. */
function checkAttestation(id: string | undefined, { attest, reason }: RevokeFlags): void {
  if (attest !== true && reason === undefined) return;
  if (id === undefined) throw new CommandFailed(EXIT.usage, '--attest and --reason need the ID of a lease');
  if (attest !== true) throw new CommandFailed(EXIT.usage, '--reason needs --attest');
  if (reason === undefined) {
    const hint = `hublease revoke ${id} --attest --reason "the account is closed"`;
    throw new CommandFailed(EXIT.usage, '--attest needs --reason: say why you are sure that the token is gone', hint);
  }
}

async function attestOne({ io, api }: Context, id: string, reason: string): Promise<void> {
  const client = await api();
  const call = { name: id, query: { attest: 'true', reason } };
  const { body } = await withSpinner(io, `attesting ${id}`, () => client.call('revokeAnyLease', call));
  const { lease } = body;
  forgetRevoked(io.env, new Set([id]));
  if (lease.status !== 'revoked') io.err(stillOpen(lease));
  else if (isAttested(lease)) {
    io.err('closed without proof: hublease did not ask Docker Hub, and deleted no token\n');
  } else io.err('the lease was already proven to be over, so nothing was attested\n');
  io.out(isAttested(lease) ? 'revoked (attested)\n' : `${lease.status}\n`);
}

/** If one lease cannot be revoked, the others still are. */
async function revokeMine({ io, api }: Context): Promise<void> {
  const client = await api();
  const pages = ['minting', 'active'].map((status) => collectLeases(client, { status }, MAX_REVOKED));
  const open = (await Promise.all(pages)).flat();
  const revoked = new Set<string>();
  for (const { id } of open) {
    try {
      const { body } = await client.call('revokeLease', { name: id });
      revoked.add(id);
      io.out(`${id} ${body.lease.status}\n`);
    } catch {
      io.err(`${id} could not be revoked now. It ends by itself\n`);
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
  io.err(`leases being revoked: ${body.count}${body.complete ? '' : '. There are more: run the command again'}\n`);
}

/** Only the hash of a leaked token is sent. */
async function leakedHash({ io }: Context, from: string): Promise<string> {
  if (from !== '-')
    throw new CommandFailed(
      EXIT.usage,
      '--leaked only takes "-": it reads the token from standard input, so that no other user sees it',
    );
  const token = (await io.readAll()).trim();
  if (!/^dckr_(?:pat|oat)_[\w-]{8,128}$/.test(token))
    throw new CommandFailed(EXIT.usage, 'standard input is not a Docker Hub token');
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(token).digest('hex');
}
