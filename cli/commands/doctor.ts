import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { examineClients } from '../doctor/clients.ts';
import type { Finding } from '../doctor/finding.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { json, output, withSpinner } from '../output.ts';

interface DoctorFlags {
  readonly secret?: string;
  readonly pull?: string;
  readonly authOrigin: string;
  readonly registryOrigin: string;
  readonly output: string;
}

const MARKS = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const;

/** `hublease doctor`. Its exit code is that of the first failed check. */
export function doctorCommand(program: Command, context: Context, setExitCode: (code: number) => void): void {
  program
    .command('doctor')
    .description('check the setup, and say how to fix problems')
    .option('--secret <name>', 'dynamic secret to check (HUBLEASE_SECRET)')
    .option('--pull <image>', 'also test a pull of this image')
    .option('--auth-origin <url>', 'server that exchanges the token for a registry bearer', 'https://auth.docker.io')
    .option('--registry-origin <url>', 'server that stores the images', 'https://registry-1.docker.io')
    .addOption(output())
    .action(async (flags: DoctorFlags) => {
      const { io } = context;
      for (const origin of [flags.authOrigin, flags.registryOrigin]) {
        if (!URL.canParse(origin)) throw new CommandFailed(EXIT.usage, `"${origin}" is not a URL`);
      }
      const findings = await withSpinner(io, 'checking', () => examine(context, flags));
      io.out(flags.output === 'json' ? json(findings.map(({ exitCode: _, ...finding }) => finding)) : lines(findings));
      const worst = findings.find(({ state }) => state === 'failed');
      if (worst !== undefined) setExitCode(worst.exitCode ?? EXIT.error);
    });
}

async function examine({ io, settings }: Context, flags: DoctorFlags): Promise<Finding[]> {
  const { examineEndpoint } = await import('../doctor/endpoint.ts');
  const { examineTargets } = await import('../doctor/targets.ts');
  const all = await settings(flags.secret ? { secret: flags.secret } : {});
  const endpoint = await examineEndpoint(all, io.env, io.nowMs);
  // An administrator may not be listed as a caller.
  const canAsk = endpoint.some(({ check, state }) => check === 'credentials' && state === 'ok');
  const targets = canAsk ? await examineTargets(all, io.env, io.nowMs) : [];
  const findings = [...endpoint, ...targets, ...examineClients(io.env)];
  if (flags.pull === undefined) return findings;
  const { examinePull } = await import('../doctor/pull.ts');
  const origins = { auth: flags.authOrigin, registry: flags.registryOrigin };
  return [...findings, ...(await examinePull(flags.pull, all, io.env, origins))];
}

function lines(findings: readonly Finding[]): string {
  return findings
    .map(({ state, check, detail, next }) => {
      const line = `${MARKS[state].padEnd(8)} ${check.padEnd(13)} ${detail}\n`;
      return next === undefined || next === '' ? line : `${line}${' '.repeat(23)}${next}\n`;
    })
    .join('');
}
