import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { json, output, table } from '../output.ts';

/** `hublease whoami`, `can-i`. */
export function whoCommands(program: Command, context: Context): void {
  program
    .command('whoami')
    .description('who hublease sees, and what you may lease')
    .addOption(output())
    .action(async (flags: { output: string }) => {
      const { body } = await (await context.api()).call('whoami');
      if (flags.output === 'json') return context.io.out(json(body));
      context.io.out(`${body.caller.arn}\n`);
      if (body.caller.id !== undefined) context.io.out(`unique id ${body.caller.id}\n`);
      const rows = body.secrets.map((each) => [
        each.name,
        each.scope ?? 'resources',
        `${each.defaultTtlSeconds} s`,
        `${each.maxTtlSeconds} s`,
      ]);
      context.io.out(rows.length === 0 ? 'no secret lists you\n' : table(['SECRET', 'SCOPE', 'TTL', 'MAX TTL'], rows));
    });

  program
    .command('can-i')
    .description('whether you may lease from a secret; exit code 5 when not')
    .argument('<secret>')
    .action(async (secret: string) => {
      const { body } = await (await context.api()).call('whoami');
      if (!body.secrets.some(({ name }) => name === secret)) {
        throw new CommandFailed(
          EXIT.denied,
          `no: "${secret}" does not list ${body.caller.arn}, or is not there`,
          'Ask its owner to add this role.',
        );
      }
      context.io.out('yes\n');
    });
}
