import type { Command } from 'commander';
import { warnOfClip } from '../clipped-warning.ts';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { HUB_KEYS } from '../hub-keys.ts';
import type { Io } from '../io.ts';
import { type Minted, mintBody, openPassword } from '../minting.ts';
import { field, json, masked, output, spoken, table, withSpinner } from '../output.ts';

const FORMS = ['table', 'json', 'env', 'dockerconfigjson'] as const;
type Form = (typeof FORMS)[number];

interface LeaseFlags {
  readonly ttl?: string;
  readonly scope?: string;
  readonly label?: string;
  readonly reason?: string;
  readonly output: Form;
  readonly field?: string;
  readonly reveal?: boolean;
}

/** `hublease lease`. */
export function leaseCommand(program: Command, context: Context): void {
  program
    .command('lease')
    .description('lease a Docker Hub token')
    .argument('[secret]', 'dynamic secret to lease from (HUBLEASE_SECRET)')
    .option('--ttl <duration>', 'lifetime of the token, such as 15m (HUBLEASE_TTL)')
    .option('--scope <scope>', 'a narrower scope than the secret allows, such as repo:read')
    .option('--label <text>', 'label of the token on Docker Hub')
    .option('--reason <text>', 'reason, stored with the lease')
    .addOption(output(FORMS))
    .option('--field <path>', 'print only this field, such as credential.password')
    .option('--reveal', 'show the whole token, even on a terminal')
    .action(async (secret: string | undefined, flags: LeaseFlags) => {
      const { io } = context;
      if (flags.field !== undefined && flags.output !== 'table')
        throw new CommandFailed(EXIT.usage, '--field and -o cannot be combined');
      const settings = await context.settings({ ...(secret && { secret }), ...(flags.ttl && { ttl: flags.ttl }) });
      if (settings.secret === undefined) {
        throw new CommandFailed(
          EXIT.usage,
          'no secret given',
          'Run "hublease lease SECRET", or set HUBLEASE_SECRET. "hublease whoami" lists your secrets.',
        );
      }
      const name = settings.secret;
      const body = mintBody({ ...flags, ttl: settings.ttl });
      const api = await context.api(settings);
      const minted = (await withSpinner(io, `leasing from ${name}`, () => api.call('mintLease', { name, body }))).body;
      warnOfClip(io, minted.lease);
      io.out(flags.field === undefined ? render(minted, flags, io) : field(minted, flags.field));
    });
}

function render(minted: Minted, { output: form, reveal = false }: LeaseFlags, io: Io): string {
  const { lease, credential } = minted;
  if (form === 'json') return json(minted);
  if (form === 'table') {
    const secret = 'password' in credential ? credential.password : credential.sealed;
    const shown = reveal || !io.outIsTerminal ? secret : `${masked(secret)}  (--reveal shows it)`;
    return table(
      ['lease', lease.id],
      [
        ['secret', lease.secret],
        ['username', credential.username],
        ['password' in credential ? 'password' : 'sealed', shown],
        ['expires', `${lease.expiresAt} (${spoken(lease.expiresAt, io.nowMs())})`],
      ],
    );
  }
  const { username, password } = openPassword(minted);
  if (form === 'env') {
    return `export DOCKERHUB_USERNAME=${quote(username)}\nexport DOCKERHUB_TOKEN=${quote(password)}\nexport HUBLEASE_LEASE_ID=${lease.id}\n`;
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  return json({ auths: { [HUB_KEYS[0]]: { username, password, auth } } });
}

/** For a shell's `eval`: single quotes keep every character as it is. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
