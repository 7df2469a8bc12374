import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { evidenceWords, isAttested, whyOpen } from '../lease-words.ts';
import { mintBody } from '../minting.ts';
import { countDown, json, output, spoken, table } from '../output.ts';
import { type AdminLease, collectAllLeases, collectLeases, type Lease } from '../pages.ts';

/** Default maximum of listed leases. */
const DEFAULT_LIMIT = 200;

/** `hublease leases`, `show`, `renew`. */
export function leasesCommands(program: Command, context: Context): void {
  const { io } = context;

  program
    .command('leases')
    .description('list leases, newest first')
    .option('--all', 'leases of all callers (admins)')
    .option('--mine', 'your own leases (default)')
    .option('--secret <name>', 'only leases of this secret')
    .option('--status <status>', 'only leases with this status: minting, active, revoking or revoked')
    .option('--limit <n>', 'maximum number of leases', String(DEFAULT_LIMIT))
    .addOption(output())
    .action(
      async (flags: {
        all?: boolean;
        mine?: boolean;
        secret?: string;
        status?: string;
        limit: string;
        output: string;
      }) => {
        if (flags.all && flags.mine) throw new CommandFailed(EXIT.usage, '--all and --mine cannot be combined');
        const limit = Number(flags.limit);
        if (!Number.isInteger(limit) || limit < 1)
          throw new CommandFailed(EXIT.usage, `--limit ${flags.limit}: expected a number`);
        const filter = { ...(flags.secret && { secret: flags.secret }), ...(flags.status && { status: flags.status }) };
        const leases = await (flags.all ? collectAllLeases : collectLeases)(await context.api(), filter, limit);
        io.out(flags.output === 'json' ? json(leases) : leaseTable(leases, io.nowMs(), flags.all === true));
      },
    );

  program
    .command('show')
    .description('show a lease, and the evidence if it is revoked')
    .argument('<id>', 'id of the lease')
    .option('--all', 'a lease of any caller (admins)')
    .option('--live', 'also show the state of the token on Docker Hub, and when it was read')
    .option('--watch', 'count down to the end of the lease (only on a terminal)')
    .addOption(output())
    .action(async (id: string, flags: { all?: boolean; live?: boolean; watch?: boolean; output: string }) => {
      const api = await context.api();
      const query = flags.live ? { query: { live: 'true' } } : {};
      const { lease } = (await api.call(flags.all ? 'getAnyLease' : 'getLease', { name: id, ...query })).body;
      io.out(flags.output === 'json' ? json(lease) : details(lease, io.nowMs()));
      if (flags.watch && io.errIsTerminal && lease.status === 'active') await countDown(lease.expiresAt, io);
    });

  program
    .command('renew')
    .description('extend a renewable lease')
    .argument('<id>', 'id of the lease')
    .option('--ttl <duration>', 'new lifetime, counted from now, such as 15m')
    .addOption(output())
    .action(async (id: string, flags: { ttl?: string; output: string }) => {
      const api = await context.api();
      const { body } = await api.call('renewLease', { name: id, body: mintBody({ ttl: flags.ttl }) });
      io.err(body.clipped ? `${id} has reached its maximum lifetime and cannot be extended further\n` : '');
      io.out(flags.output === 'json' ? json(body) : `${body.lease.expiresAt}\n`);
    });
}

function leaseTable(leases: readonly Lease[], nowMs: number, withCaller: boolean): string {
  const head = ['LEASE', 'SECRET', 'STATUS', 'EXPIRES', ...(withCaller ? ['CALLER'] : ['LABEL'])];
  return table(
    head,
    leases.map((lease) => [
      lease.id,
      lease.secret,
      // Nothing proved its end.
      isAttested(lease) ? `${lease.status} (attested)` : lease.status,
      lease.status === 'revoked' ? '-' : spoken(lease.expiresAt, nowMs),
      (withCaller ? lease.caller : lease.label) ?? '',
    ]),
  );
}

function details(lease: Lease | AdminLease, nowMs: number): string {
  const { id, evidence, ...rest } = lease;
  const rows = Object.entries(rest).map(([key, value]) => [key, detail(key, value, nowMs)]);
  const why = whyOpen(lease);
  if (why !== undefined) rows.push(['still open', why]);
  if (evidence !== undefined) rows.push([isAttested(lease) ? 'NO PROOF' : 'evidence', evidenceWords(evidence)]);
  return table(['lease', id], rows);
}

function detail(key: string, value: unknown, nowMs: number): string {
  if (key === 'blockedBy') return (value as readonly string[]).join(' ');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /(?:At|Since)$/.test(key) ? `${text} (${spoken(text, nowMs)})` : text;
}
