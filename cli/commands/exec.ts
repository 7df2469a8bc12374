import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { execFolder } from '../exec-folder.ts';
import { ExecLease } from '../exec-lease.ts';
import { EXIT } from '../exit.ts';
import { warnOfFake } from '../fake-warning.ts';
import type { Io } from '../io.ts';
import { withSpinner } from '../output.ts';
import { privateConfig } from '../private-config.ts';

/** Signals that end a job. They are forwarded to the child. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** A terminal sends these signals to the child by itself. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

interface ExecFlags {
  readonly ttl?: string;
  readonly scope?: string;
  readonly label?: string;
  readonly reason?: string;
  readonly renew?: boolean;
}

/** `hublease exec`. It passes the child's exit code to `setExitCode`. */
export function execCommand(program: Command, context: Context, setExitCode: (code: number) => void): void {
  program
    .command('exec')
    .description('run a command with a leased token, and revoke the token when the command ends')
    .argument('<secret>', 'dynamic secret to lease from')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--ttl <duration>', 'lifetime of the token, such as 15m (HUBLEASE_TTL)')
    .option('--scope <scope>', 'a narrower scope than the secret allows, such as repo:read')
    .option('--label <text>', 'label of the token on Docker Hub')
    .option('--reason <text>', 'reason, stored with the lease')
    .option('--renew', 'renew the token while the command runs')
    .action(async (secret: string, command: string[], flags: ExecFlags) => {
      const { io } = context;
      const settings = await context.settings({ secret, ...(flags.ttl && { ttl: flags.ttl }) });
      const api = await context.api(settings);
      const config = privateConfig(io.env, () => execFolder(io.env));
      const { scope, reason, label = 'hublease exec' } = flags;
      const order = { ttl: settings.ttl, scope, reason, label };
      const lease = new ExecLease(api, config, secret, order, io);
      // From here on, a signal must not leave a token behind.
      const signals = holdSignals();
      try {
        await withSpinner(io, `leasing from ${secret}`, () => lease.take());
        warnOfFake(io, lease.fakeHub, 'this token');
        if (flags.renew) lease.keepAlive();
        const env = { ...io.env, ...config.env, HUBLEASE_LEASE_ID: lease.id };
        setExitCode(signals.first() ?? (await runChild(command, env, io, signals)));
      } finally {
        await lease.end();
        signals.release();
      }
    });
}

/** Signals that came while they were held. */
interface HeldSignals {
  /** 128 plus the number of the first signal, as in shells; undefined if none came. */
  first(): number | undefined;
  /** Forwards every later signal. */
  forwardTo(receive: (signal: NodeJS.Signals) => void): void;
  release(): void;
}

function holdSignals(): HeldSignals {
  let first: NodeJS.Signals | undefined;
  let receive: (signal: NodeJS.Signals) => void = () => {};
  const onSignal = (signal: NodeJS.Signals) => {
    first ??= signal;
    receive(signal);
  };
  for (const signal of FORWARDED) process.on(signal, onSignal);
  return {
    first: () => (first === undefined ? undefined : exitCodeOf(first)),
    forwardTo: (next) => {
      receive = next;
    },
    release: () => {
      for (const signal of FORWARDED) process.off(signal, onSignal);
    },
  };
}

async function runChild(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  io: Io,
  signals: HeldSignals,
): Promise<number> {
  try {
    const child = spawn(file, args, { stdio: 'inherit', env: { ...env } });
    signals.forwardTo((signal) => {
      if (process.stdin.isTTY !== true || !FROM_TERMINAL.includes(signal)) child.kill(signal);
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? (signal === null ? EXIT.error : exitCodeOf(signal));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    io.err(`hublease: ${file}: ${missing ? 'command not found' : 'cannot be run'}\n`);
    // As in shells.
    return missing ? 127 : 126;
  }
}

function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
