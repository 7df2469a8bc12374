import type { Command } from 'commander';
import type { AnswerOf } from '../../functions/wire/answers.ts';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { json, spoken, table, withSpinner } from '../output.ts';

type Lease = AnswerOf<'getLease'>['body']['lease'];

/** Leases listed at most, unless asked for more. */
const MOST_LISTED = 200;

/** `hublease leases`, `show`, `renew`, `revoke`. */
export function leasesCommands(program: Command, context: Context): void {
  const { io } = context;

  program
    .command('leases')
    .description('list leases, newest first')
    .option('--all', "everybody's, for administrators")
    .option('--mine', 'your own (the default)')
    .option('--secret <name>', 'of one secret only')
    .option('--status <status>', 'minting, active, revoking or revoked')
    .option('--limit <n>', 'at most so many', String(MOST_LISTED))
    .option('-o, --output <form>', 'table, json', 'table')
    .action(
      async (flags: {
        all?: boolean;
        mine?: boolean;
        secret?: string;
        status?: string;
        limit: string;
        output: string;
      }) => {
        if (flags.all && flags.mine) throw new CommandFailed(EXIT.usage, '--all or --mine, not both');
        const limit = Number(flags.limit);
        if (!Number.isInteger(limit) || limit < 1)
          throw new CommandFailed(EXIT.usage, `--limit ${flags.limit}: expected a number`);
        const filter = { ...(flags.secret && { secret: flags.secret }), ...(flags.status && { status: flags.status }) };
        const leases = await collect(context, flags.all ? 'listAllLeases' : 'listLeases', filter, limit);
        io.out(flags.output === 'json' ? json(leases) : leaseTable(leases, io.nowMs(), flags.all === true));
      },
    );

  program
    .command('show')
    .description('show one lease, with its evidence once revoked')
    .argument('<id>')
    .option('--live', 'ask Docker Hub too')
    .option('-o, --output <form>', 'table, json', 'table')
    .action(async (id: string, flags: { live?: boolean; output: string }) => {
      const api = await context.api();
      const { lease } = (await api.call('getLease', { name: id, ...(flags.live && { query: { live: 'true' } }) })).body;
      io.out(flags.output === 'json' ? json(lease) : details(lease, io.nowMs()));
    });

  program
    .command('renew')
    .description('extend a renewable lease')
    .argument('<id>')
    .option('--ttl <duration>', 'from now')
    .action(async (id: string, flags: { ttl?: string }) => {
      const api = await context.api();
      const { lease, clipped } = (await api.call('renewLease', { name: id, body: flags.ttl ? { ttl: flags.ttl } : {} }))
        .body;
      io.err(clipped ? `${id} ends at its latest end: it cannot be extended further\n` : '');
      io.out(`${lease.expiresAt}\n`);
    });

  program
    .command('revoke')
    .description('revoke leases now')
    .argument('[id]')
    .option('--mine', 'all of your own')
    .option('--prefix <name>', 'all of the secrets below it, for administrators')
    .option('--target <name>', 'all of one target, for administrators')
    .option('--caller <arn>', 'all of one role, for administrators')
    .option('--leaked <->', 'the lease of a leaked token, read from standard input, for administrators')
    .action(
      async (
        id: string | undefined,
        flags: { mine?: boolean; prefix?: string; target?: string; caller?: string; leaked?: string },
      ) => {
        const given = [id, flags.mine, flags.prefix, flags.target, flags.caller, flags.leaked].filter(
          (each) => each !== undefined,
        );
        if (given.length !== 1)
          throw new CommandFailed(
            EXIT.usage,
            'revoke what? Give one of ID, --mine, --prefix, --target, --caller, --leaked -',
          );
        if (id !== undefined) return revokeOne(context, id);
        if (flags.mine) return revokeMine(context);
        const { prefix, target, caller } = flags;
        const selector =
          flags.leaked === undefined
            ? { prefix, target, caller }
            : { tokenSha256: await leakedHash(context, flags.leaked) };
        const api = await context.api();
        const { body } = await withSpinner(io, 'revoking', () => api.call('revokeMatching', { body: selector }));
        io.out(
          table(
            ['LEASE', 'SECRET', 'CALLER', 'ISSUED', 'STATUS'],
            body.leases.map((each) => [each.id, each.secret, each.caller, each.issuedAt, each.status]),
          ),
        );
        io.err(`${body.count} being revoked${body.complete ? '' : '; there are more, repeat the command'}\n`);
      },
    );
}

async function collect(
  context: Context,
  operation: 'listLeases' | 'listAllLeases',
  filter: Record<string, string>,
  limit: number,
): Promise<Lease[]> {
  const api = await context.api();
  const leases: Lease[] = [];
  let nextToken: string | undefined;
  do {
    const query = { ...filter, limit: String(Math.min(100, limit - leases.length)), ...(nextToken && { nextToken }) };
    const { body } = await api.call(operation, { query });
    leases.push(...(body.items as Lease[]));
    nextToken = body.nextToken;
  } while (nextToken !== undefined && leases.length < limit);
  return leases;
}

async function revokeOne(context: Context, id: string): Promise<void> {
  const api = await context.api();
  const { status, body } = await withSpinner(context.io, `revoking ${id}`, () => api.call('revokeLease', { name: id }));
  context.io.err(status === 202 ? 'Docker Hub could not be reached; the revocation goes on by itself\n' : '');
  context.io.out(`${body.lease.status}\n`);
}

/** One lease that cannot be revoked does not stop the others. */
async function revokeMine(context: Context): Promise<void> {
  const api = await context.api();
  const open = (await collect(context, 'listLeases', {}, 1_000)).filter((lease) => lease.status !== 'revoked');
  let failed = 0;
  for (const { id } of open) {
    try {
      const { body } = await api.call('revokeLease', { name: id });
      context.io.out(`${id} ${body.lease.status}\n`);
    } catch {
      failed += 1;
      context.io.err(`${id} could not be revoked now; it ends by itself\n`);
    }
  }
  if (failed > 0) throw new CommandFailed(EXIT.error, `${failed} of ${open.length} leases could not be revoked`);
}

/** Only the hash of a leaked token travels. */
async function leakedHash(context: Context, from: string): Promise<string> {
  if (from !== '-')
    throw new CommandFailed(
      EXIT.usage,
      '--leaked takes "-": the token is read from standard input, so that no other user sees it',
    );
  const token = (await context.io.readAll()).trim();
  if (!/^dckr_(?:pat|oat)_[\w-]{8,128}$/.test(token))
    throw new CommandFailed(EXIT.usage, 'standard input holds no Docker Hub token');
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(token).digest('hex');
}

function leaseTable(leases: readonly Lease[], nowMs: number, withCaller: boolean): string {
  const head = ['LEASE', 'SECRET', 'STATUS', 'EXPIRES', ...(withCaller ? ['CALLER'] : ['LABEL'])];
  return table(
    head,
    leases.map((lease) => [
      lease.id,
      lease.secret,
      lease.status,
      lease.status === 'revoked' ? '-' : spoken(lease.expiresAt, nowMs),
      (withCaller ? lease.caller : lease.label) ?? '',
    ]),
  );
}

function details(lease: Lease, nowMs: number): string {
  const { id, evidence, ...rest } = lease;
  const rows = Object.entries(rest).map(([key, value]) => {
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [key, key.endsWith('At') ? `${text} (${spoken(text, nowMs)})` : text];
  });
  if (evidence !== undefined) rows.push(['evidence', JSON.stringify(evidence)]);
  return table(['lease', id], rows);
}
