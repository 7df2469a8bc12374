import { Command, CommanderError } from 'commander';
import { VERSION } from '../functions/wire/version.ts';
import { catalogCommands } from './commands/catalog.ts';
import { completionCommand } from './commands/completion.ts';
import { consumerPolicyCommand } from './commands/consumer-policy.ts';
import { doctorCommand } from './commands/doctor.ts';
import { execCommand } from './commands/exec.ts';
import { leaseCommand } from './commands/lease.ts';
import { leasesCommands } from './commands/leases.ts';
import { loginCommands } from './commands/login.ts';
import { revokeCommand } from './commands/revoke.ts';
import { setupCommand } from './commands/setup.ts';
import { whoCommands } from './commands/who.ts';
import { contextOf } from './context.ts';
import { EXIT } from './exit.ts';
import { explain } from './explain.ts';
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
    .option('--endpoint <url>', 'URL of hublease (HUBLEASE_ENDPOINT)')
    .option('--region <name>', 'AWS region of hublease (HUBLEASE_REGION)')
    .showHelpAfterError('("hublease --help" lists all commands)')
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err });
  const context = contextOf(io, () => program.opts());
  let exitCode: number = EXIT.ok;
  const setExitCode = (code: number) => {
    exitCode = code;
  };
  leaseCommand(program, context);
  execCommand(program, context, setExitCode);
  loginCommands(program, context);
  setupCommand(program, context);
  leasesCommands(program, context);
  revokeCommand(program, context);
  whoCommands(program, context);
  catalogCommands(program, context);
  consumerPolicyCommand(program, context);
  doctorCommand(program, context, setExitCode);
  completionCommand(program, context);
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
