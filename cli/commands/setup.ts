import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { type DockerConfig, dockerFileOf, type Entry, parseConfig, podmanFileOf, readText } from '../docker-config.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { askForFake, warnOfFake } from '../fake-warning.ts';
import { HELPER, HUB_KEYS } from '../hub-keys.ts';
import { endpointOf, settingsFileOf } from '../settings.ts';
import { writeSettings } from '../settings-file.ts';
import { editTracked, recordOf, undoTracked } from '../tracked-edit.ts';

type Env = Context['io']['env'];

const CLIENTS = { docker: dockerFileOf, podman: podmanFileOf } as const;
type ClientName = keyof typeof CLIENTS;

/** `hublease setup docker|podman`. */
export function setupCommand(program: Command, context: Context): void {
  const setup = program
    .command('setup')
    .description('set up a credential helper, so that docker or podman lease tokens by themselves');
  for (const name of Object.keys(CLIENTS) as ClientName[]) {
    setup
      .command(name)
      .description(name === 'docker' ? 'set up docker and docker-py' : 'set up podman, skopeo and buildah')
      .option('--secret <name>', 'dynamic secret to lease from (HUBLEASE_SECRET)')
      .option('--ttl <duration>', 'lifetime of the token, such as 15m (HUBLEASE_TTL)')
      .option('--undo', 'undo the setup')
      .action(async (flags: { secret?: string; ttl?: string; undo?: boolean }) =>
        flags.undo ? undo(context, name) : apply(context, name, flags),
      );
  }
}

async function apply(context: Context, name: ClientName, flags: { secret?: string; ttl?: string }) {
  const { io, settings } = context;
  const { secret, ttl } = flags;
  const all = await settings({ ...(secret && { secret }), ...(ttl && { ttl }) });
  const endpoint = endpointOf(all);
  if (all.secret === undefined) {
    throw new CommandFailed(
      EXIT.usage,
      'no secret given',
      `Run "hublease setup ${name} --secret NAME". "hublease whoami" lists your secrets.`,
    );
  }
  const file = CLIENTS[name](io.env);
  const { credHelpers = {} } = parseConfig(readText(file), file);
  const entries: Entry[] = HUB_KEYS.filter((key) => credHelpers[key] !== HELPER).map((key) => [
    ['credHelpers', key],
    HELPER,
  ]);
  const others = HUB_KEYS.filter((key) => typeof credHelpers[key] === 'string' && credHelpers[key] !== HELPER);
  const replaced = Object.fromEntries(others.map((key) => [key, credHelpers[key] as string]));
  // Before the client is set up to ask us, its requests must have an answer.
  writeSettings(settingsFileOf(io.env), {
    endpoint,
    ...(all.region !== undefined && { region: all.region }),
    secret: all.secret,
    ...(all.ttl !== undefined && { ttl: all.ttl }),
  });
  editTracked(io.env, 'setup', file, entries, { ...replaced, hadHelpers: String(Object.keys(credHelpers).length > 0) });
  io.err(`${name} now asks hublease for Docker Hub tokens: ${file}\n`);
  io.err(`  leasing from ${all.secret} at ${endpoint}: ${settingsFileOf(io.env)}\n`);
  io.err('  "hublease doctor" checks the setup. --undo removes it.\n');
  warnOfFake(io, await askForFake(context, all), 'its tokens');
}

function undo({ io }: Context, name: ClientName): void {
  const file = CLIENTS[name](io.env);
  const undone = undoTracked(io.env, 'setup', file, () => ourEntries(io.env, file));
  io.err(undone ? `${name} no longer asks hublease: ${file}\n` : `nothing to undo in ${file}\n`);
}

/** Entries that remove ours from a file that others have changed, and restore the helpers that ours replaced. */
function ourEntries(env: Env, file: string): Entry[] {
  const { credHelpers = {} }: DockerConfig = parseConfig(readText(file), file);
  const note = recordOf(env, 'setup', file)?.note ?? {};
  const ours = HUB_KEYS.filter((key) => credHelpers[key] === HELPER);
  const isAll = Object.keys(credHelpers).length === ours.length && ours.every((key) => note[key] === undefined);
  if (ours.length > 0 && isAll && note.hadHelpers === 'false') return [[['credHelpers'], undefined]];
  return ours.map((key) => [['credHelpers', key], note[key]]);
}
