import { rmSync } from 'node:fs';
import { openApi } from '../cli/api.ts';
import { explain } from '../cli/explain.ts';
import { hand, runnerCommand } from './runner.ts';
import { readState, type StepState } from './state.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Ends the lease of the main step. A failure does not fail the job: a lease that cannot be revoked now ends by itself. */
async function endLease(env: Env, { leaseId, expiresAt, docker, ...settings }: StepState): Promise<void> {
  if (docker !== undefined) {
    rmSync(docker.folder, { recursive: true, force: true });
    // Other post steps come after this one.
    for (const [name, value] of Object.entries(docker.former)) {
      if (env.GITHUB_ENV) hand(env, 'GITHUB_ENV', name, value);
    }
  }
  try {
    const { body } = await (await openApi(settings, env)).call('revokeLease', { name: leaseId });
    say(`hublease: lease ${leaseId} is ${body.lease.status}\n`);
  } catch (error) {
    const text = `lease ${leaseId} could not be revoked now. It ends by itself at ${expiresAt}: ${explain(error).message}`;
    say(runnerCommand('warning title=hublease', text));
  }
}

function say(text: string): void {
  process.stdout.write(text);
}

const state = readState(process.env);
if (state !== undefined) await endLease(process.env, state);
