import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { json, output, table } from '../output.ts';

/** `hublease whoami`, `can-i`. */
export function whoCommands(program: Command, context: Context): void {
  program
    .command('whoami')
    .description('show your identity, and the secrets that you may lease from')
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
      context.io.out(
        rows.length === 0 ? 'you may lease from no secret\n' : table(['SECRET', 'SCOPE', 'TTL', 'MAX TTL'], rows),
      );
    });

  program
    .command('can-i')
    .description('check whether you may lease from a secret (exit code 5 if not)')
    .argument('<secret>', 'dynamic secret to check')
    .action(async (secret: string) => {
      const { body } = await (await context.api()).call('whoami');
      if (!body.secrets.some(({ name }) => name === secret)) {
        throw new CommandFailed(
          EXIT.denied,
          `no: "${secret}" does not list ${body.caller.arn}, or does not exist`,
          'Ask its owner to add this role.',
        );
      }
      context.io.out('yes\n');
    });
}
