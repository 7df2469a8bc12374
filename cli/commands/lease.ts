import type { Command } from 'commander';
import type { AnswerOf } from '../../functions/wire/answers.ts';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { field, json, masked, spoken, table, withSpinner } from '../output.ts';

type Minted = AnswerOf<'mintLease'>['body'];

const FORMS = ['table', 'json', 'env', 'dockerconfigjson'] as const;
type Form = (typeof FORMS)[number];

/** Docker's own name for Docker Hub in its configuration. */
const HUB_KEY = 'https://index.docker.io/v1/';

interface LeaseFlags {
  readonly ttl?: string;
  readonly scope?: string;
  readonly label?: string;
  readonly reason?: string;
  readonly output?: Form;
  readonly field?: string;
  readonly reveal?: boolean;
}

/** `hublease lease`. */
export function leaseCommand(program: Command, context: Context): void {
  program
    .command('lease')
    .description('lease a Docker Hub token')
    .argument('[secret]', 'dynamic secret to lease from (HUBLEASE_SECRET)')
    .option('--ttl <duration>', 'how long, such as 15m (HUBLEASE_TTL)')
    .option('--scope <scope>', 'less than the secret gives, such as repo:read')
    .option('--label <text>', 'shown on Docker Hub')
    .option('--reason <text>', 'kept with the lease')
    .option('-o, --output <form>', FORMS.join(', '))
    .option('--field <path>', 'print one field bare, such as credential.password')
    .option('--reveal', 'show the token on a terminal')
    .action(async (secret: string | undefined, flags: LeaseFlags) => {
      const { io } = context;
      const form = formOf(flags);
      const settings = await context.settings({ ...(secret && { secret }), ...(flags.ttl && { ttl: flags.ttl }) });
      if (settings.secret === undefined) {
        throw new CommandFailed(
          EXIT.usage,
          'which secret?',
          'hublease lease SECRET, or set HUBLEASE_SECRET. "hublease whoami" lists yours.',
        );
      }
      const { scope, label, reason } = flags;
      const name = settings.secret;
      const body = {
        ...(settings.ttl && { ttl: settings.ttl }),
        ...(scope && { scope }),
        ...(label && { label }),
        ...(reason && { reason }),
      };
      const api = await context.api(settings);
      const minted = (await withSpinner(io, `leasing from ${name}`, () => api.call('mintLease', { name, body }))).body;
      io.out(
        flags.field === undefined ? render(minted, form, context, flags.reveal === true) : field(minted, flags.field),
      );
    });
}

function formOf({ output = 'table', field: path }: LeaseFlags): Form {
  if (!FORMS.includes(output)) throw new CommandFailed(EXIT.usage, `-o ${output}: expected ${FORMS.join(', ')}`);
  if (path !== undefined && output !== 'table')
    throw new CommandFailed(EXIT.usage, '--field prints bare: leave -o out');
  return output;
}

function render(minted: Minted, form: Form, { io }: Context, reveal: boolean): string {
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
  if (!('password' in credential)) {
    throw new CommandFailed(
      EXIT.error,
      'this secret seals its tokens for the owner of its protection key',
      'Use -o json.',
    );
  }
  const { username, password } = credential;
  if (form === 'env') {
    return `export DOCKERHUB_USERNAME=${quote(username)}\nexport DOCKERHUB_TOKEN=${quote(password)}\nexport HUBLEASE_LEASE_ID=${lease.id}\n`;
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  return json({ auths: { [HUB_KEY]: { username, password, auth } } });
}

/** For a shell's `eval`: single quotes keep every character as it is. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
