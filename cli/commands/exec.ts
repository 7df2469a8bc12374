import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Command } from 'commander';
import type { Client } from '../../client/client.ts';
import type { AnswerOf } from '../../functions/wire/answers.ts';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { withSpinner } from '../output.ts';
import { type PrivateConfig, privateConfig } from '../private-config.ts';

type Lease = AnswerOf<'mintLease'>['body']['lease'];

/** Signals that end a job; a terminal sends the first to the whole group by itself. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** Renewed once this much of a lease's life is over. */
const RENEW_SHARE = 0.75;
/** A renewal that failed is tried again this soon. */
const RETRY_MS = 10_000;

/** `hublease exec`. Its exit code is the child's, so it hands it on through `setExitCode`. */
export function execCommand(program: Command, context: Context, setExitCode: (code: number) => void): void {
  program
    .command('exec')
    .description('run a command with a leased token, and revoke it when the command ends')
    .argument('<secret>')
    .argument('<command...>', 'behind --')
    .option('--ttl <duration>', 'how long (HUBLEASE_TTL)')
    .option('--renew', 'keep the token alive for as long as the command runs')
    .passThroughOptions()
    .action(async (secret: string, command: string[], flags: { ttl?: string; renew?: boolean }) => {
      const settings = await context.settings({ secret, ...(flags.ttl && { ttl: flags.ttl }) });
      const api = await context.api(settings);
      const config = privateConfig(context.io.env);
      const job = new Job(api, config, secret, settings.ttl, context);
      try {
        await withSpinner(context.io, `leasing from ${secret}`, () => job.lease());
        if (flags.renew) job.keepAlive();
        setExitCode(
          await runChild(command, { ...context.io.env, ...config.env, HUBLEASE_LEASE_ID: job.leaseId }, context),
        );
      } finally {
        await job.end();
      }
    });
}

/** The leases of one run. */
class Job {
  readonly #api: Client;
  readonly #config: PrivateConfig;
  readonly #secret: string;
  readonly #ttl: string | undefined;
  readonly #context: Context;
  readonly #leases: Lease[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(api: Client, config: PrivateConfig, secret: string, ttl: string | undefined, context: Context) {
    this.#api = api;
    this.#config = config;
    this.#secret = secret;
    this.#ttl = ttl;
    this.#context = context;
  }

  get leaseId(): string {
    return this.#leases.at(-1)?.id ?? '';
  }

  async lease(): Promise<void> {
    const body = { ...(this.#ttl && { ttl: this.#ttl }), label: 'hublease exec' };
    const { lease, credential } = (await this.#api.call('mintLease', { name: this.#secret, body })).body;
    this.#leases.push(lease);
    if (!('password' in credential)) {
      throw new CommandFailed(
        EXIT.error,
        `the tokens of "${this.#secret}" are sealed for the owner of its protection key`,
      );
    }
    this.#config.login(credential.username, credential.password);
  }

  /** A renewable lease is extended; of one that is not, or cannot be any further, another takes the place. */
  keepAlive(): void {
    const lease = this.#leases.at(-1) as Lease;
    const lifeMs = Date.parse(lease.expiresAt) - Date.parse(lease.issuedAt);
    this.#again(lifeMs * RENEW_SHARE, lease.renewable ? { id: lease.id, lifeMs } : undefined);
  }

  #again(waitMs: number, renewable: { readonly id: string; readonly lifeMs: number } | undefined): void {
    this.#timer = setTimeout(async () => {
      try {
        if (renewable !== undefined) {
          const { clipped } = (
            await this.#api.call('renewLease', { name: renewable.id, body: this.#ttl ? { ttl: this.#ttl } : {} })
          ).body;
          if (!clipped) return this.#again(renewable.lifeMs * RENEW_SHARE, renewable);
        }
        await this.lease();
        this.keepAlive();
      } catch {
        this.#context.io.err('hublease: the token could not be renewed yet; trying again\n');
        this.#again(RETRY_MS, undefined);
      }
    }, waitMs);
    this.#timer.unref();
  }

  /** Revokes every lease of the run; what cannot be revoked now ends by itself. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#config.remove();
    for (const { id } of this.#leases) {
      await this.#api.call('revokeLease', { name: id }).catch(() => {
        this.#context.io.err(`hublease: lease ${id} could not be revoked now; it ends by itself\n`);
      });
    }
  }
}

async function runChild(
  command: string[],
  env: Readonly<Record<string, string | undefined>>,
  { io }: Context,
): Promise<number> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: 'inherit', env: { ...env } });
  const forward = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    io.err(`hublease: ${file}: ${missing ? 'command not found' : 'cannot be run'}\n`);
    // As shells have it.
    return missing ? 127 : 126;
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}
