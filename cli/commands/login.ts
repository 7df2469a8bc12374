import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import { warnOfClip } from '../clipped-warning.ts';
import type { Context } from '../context.ts';
import { type DockerConfig, dockerFileOf, type Entry, loginEntries, parseConfig, readText } from '../docker-config.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { warnOfFake } from '../fake-warning.ts';
import { HELPER, HUB_KEYS } from '../hub-keys.ts';
import { type MintFlags, mintBody, openPassword } from '../minting.ts';
import { spoken, withSpinner } from '../output.ts';
import { editTracked, recordOf, undoTracked } from '../tracked-edit.ts';

type Env = Context['io']['env'];

/** `hublease login` and `logout`. */
export function loginCommands(program: Command, context: Context): void {
  program
    .command('login')
    .description('log in docker with a leased token')
    .argument('<secret>', 'dynamic secret to lease from')
    .option('--ttl <duration>', 'lifetime of the token, such as 15m (HUBLEASE_TTL)')
    .option('--scope <scope>', 'a narrower scope than the secret allows, such as repo:read')
    .option('--label <text>', 'label of the token on Docker Hub')
    .option('--reason <text>', 'reason, stored with the lease')
    .action((secret: string, flags: MintFlags) => login(context, secret, flags));

  program
    .command('logout')
    .description('log out docker: revoke the token of "hublease login", and remove it from the Docker configuration')
    .action(() => logout(context));
}

async function login(context: Context, secret: string, flags: MintFlags): Promise<void> {
  const { io } = context;
  const file = dockerFileOf(io.env);
  if (parseConfig(readText(file), file).credHelpers?.[HUB_KEYS[0]] === HELPER) {
    throw new CommandFailed(
      EXIT.error,
      `docker already asks hublease for every token: ${file}`,
      'You need no login. "hublease setup docker --undo" removes this setup.',
    );
  }
  const settings = await context.settings({ secret, ...(flags.ttl && { ttl: flags.ttl }) });
  const api = await context.api(settings);
  await endFormer(context, file);
  const config = parseConfig(readText(file), file);
  const body = mintBody({ label: 'hublease login', ...flags, ttl: settings.ttl });
  const minted = (await withSpinner(io, `leasing from ${secret}`, () => api.call('mintLease', { name: secret, body })))
    .body;
  const { id, expiresAt } = minted.lease;
  try {
    const { username, password } = openPassword(minted);
    const entries = loginEntries(config, username, password);
    // A login with a password is replaced, as docker does. Our record must not keep it.
    const remembersFormer = HUB_KEYS.every((key) => config.auths?.[key] === undefined);
    const note = { leaseId: id, authSha256: sha256(entries[0]?.[1]), ...(config.credsStore && { credsStore: 'yes' }) };
    editTracked(io.env, 'login', file, entries, note, { remembersFormer, closed: true });
    io.err(`docker is logged in as ${username} until ${expiresAt} (${spoken(expiresAt, io.nowMs())}): ${file}\n`);
    io.err('  "hublease logout" revokes the token.\n');
    warnOfFake(io, minted.credential.fakeHub, 'this token');
    warnOfClip(io, minted.lease);
  } catch (error) {
    await api.call('revokeLease', { name: id }).catch(() => {});
    throw error;
  }
}

async function logout(context: Context): Promise<void> {
  if (!(await endFormer(context, dockerFileOf(context.io.env)))) {
    context.io.err('nothing to log out of: "hublease login" was not used here\n');
  }
}

/** First removes a former login from the file, which needs no server, and then revokes it. */
async function endFormer({ io, api }: Context, file: string): Promise<boolean> {
  const record = recordOf(io.env, 'login', file);
  if (record === undefined) return false;
  undoTracked(io.env, 'login', file, () => ourEntries(io.env, file));
  const id = record.note.leaseId ?? '';
  const revocation = await (await api()).call('revokeLease', { name: id }).catch((error: unknown) => error as Error);
  io.err(
    revocation instanceof Error
      ? `hublease: lease ${id} could not be revoked now. It ends by itself\n`
      : `lease ${id} is ${revocation.body.lease.status}\n`,
  );
  return true;
}

/** Entries that remove our login from a file that others have changed. Other logins stay. */
function ourEntries(env: Env, file: string): Entry[] {
  const { auths = {}, credHelpers = {} }: DockerConfig = parseConfig(readText(file), file);
  const note = recordOf(env, 'login', file)?.note ?? {};
  const ours = HUB_KEYS.filter((key) => sha256(auths[key]) === note.authSha256);
  const helper = note.credsStore === 'yes' && credHelpers[HUB_KEYS[0]] === '' ? [HUB_KEYS[0]] : [];
  return [
    ...ours.map((key): Entry => [['auths', key], undefined]),
    ...helper.map((key): Entry => [['credHelpers', key], undefined]),
  ];
}

function sha256(entry: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(entry ?? null))
    .digest('hex');
}
