import { Command, CommanderError } from 'commander';
import { VERSION } from '../functions/wire/version.ts';
import { explain } from './api.ts';
import { execCommand } from './commands/exec.ts';
import { leaseCommand } from './commands/lease.ts';
import { leasesCommands } from './commands/leases.ts';
import { whoCommands } from './commands/who.ts';
import { contextOf } from './context.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';

/**
 * Runs one command line.
 *
 * @param args without the program's own name.
 * @returns the exit code.
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const program = new Command('hublease')
    .description('just-in-time Docker Hub tokens, leased from your own AWS account')
    .version(VERSION, '--version')
    .option('--endpoint <url>', 'where hublease is (HUBLEASE_ENDPOINT)')
    .option('--region <name>', 'its AWS region (HUBLEASE_REGION)')
    .showHelpAfterError('("hublease --help" lists everything)')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err });
  const context = contextOf(io, () => program.opts());
  leaseCommand(program, context);
  leasesCommands(program, context);
  let exitCode: number = EXIT.ok;
  execCommand(program, context, (code) => {
    exitCode = code;
  });
  whoCommands(program, context);
  program
    .command('version')
    .description('print the version')
    .action(() => io.out(`${VERSION}\n`));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const failed = explain(error);
    const { message, hint } = failed;
    io.err(`hublease: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`);
    return failed.exitCode;
  }
}
