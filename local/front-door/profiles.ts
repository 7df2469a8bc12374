import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadSharedConfigFiles } from '@smithy/core/config';
import { EMBEDDED_SCOPE } from './sigv4.ts';

/** Who may sign requests to the embedded edition: it plays IAM with three of these. */
export interface Profile {
  /** In the credentials file, and the session name of the role it plays. */
  readonly name: string;
  /** 12 digits. */
  readonly accountId: string;
  /** As API Gateway shows a caller that assumed the role. */
  readonly userArn: string;
  /** The unique id of its role. Fixed, so that leases and allow lists outlive new keys. */
  readonly roleId: string;
  /** Whether it may use the `/admin` routes besides the callers' routes. */
  readonly mayAdminister: boolean;
  readonly accessKeyId: string;
  /** Secret. */
  readonly secretAccessKey: string;
}

const ROLES = [
  {
    name: 'hublease-admin',
    accountId: '000000000000',
    role: 'admin',
    roleId: 'AROAHUBLEASEADMINAAAA',
    mayAdminister: true,
  },
  { name: 'hublease-ci', accountId: '111122223333', role: 'ci', roleId: 'AROAHUBLEASECIAAAAAAA', mayAdminister: false },
  {
    name: 'hublease-other',
    accountId: '444455556666',
    role: 'other',
    roleId: 'AROAHUBLEASEOTHERAAAA',
    mayAdminister: false,
  },
] as const;

/** Forms of a long-term key. Source: AWS IAM User Guide, "IAM identifiers", unique id prefixes. */
const ACCESS_KEY_ID = /^AKIA[A-Z2-7]{16}$/;
const SECRET_ACCESS_KEY = /^[A-Za-z0-9+/]{40}$/;

/** The credentials file cannot be used. Its message is one line for the operator, without any of the file's content. */
export class CredentialsFileError extends Error {
  constructor(path: string, problem: string) {
    super(`the credentials file ${path} ${problem}`);
    this.name = 'CredentialsFileError';
  }
}

/** Where the profiles' keys are kept, in the format of AWS' shared credentials file. */
export function credentialsFileOf(dataDir: string): string {
  return join(resolve(dataDir), 'credentials');
}

/**
 * Reads the profiles and their keys. On the first start it makes the folder (0700) and the file (0600, complete or not at
 * all) with random keys; a file that exists is kept, and only its permissions are tightened.
 *
 * @throws CredentialsFileError when the file is damaged, or cannot be read or written.
 */
export async function openProfiles(dataDir: string): Promise<readonly Profile[]> {
  const path = credentialsFileOf(dataDir);
  try {
    await mkdir(resolve(dataDir), { recursive: true, mode: 0o700 });
    if (!(await exists(path))) await create(path);
    await chmod(path, 0o600);
    // The parser below takes a file that it cannot read for an empty one.
    await readFile(path);
  } catch (error) {
    throw new CredentialsFileError(path, `cannot be read or written (${codeOf(error)})`);
  }
  // The path stands in for the config file too, so that nothing outside the data folder is read.
  const { credentialsFile } = await loadSharedConfigFiles({ filepath: path, configFilepath: path, ignoreCache: true });
  const profiles = ROLES.map(({ name, accountId, role, roleId, mayAdminister }): Profile => {
    const entry = credentialsFile[name];
    return {
      name,
      accountId,
      userArn: `arn:aws:sts::${accountId}:assumed-role/${role}/${name}`,
      roleId,
      mayAdminister,
      accessKeyId: keyOf(path, name, 'aws_access_key_id', entry?.aws_access_key_id, ACCESS_KEY_ID),
      secretAccessKey: keyOf(path, name, 'aws_secret_access_key', entry?.aws_secret_access_key, SECRET_ACCESS_KEY),
    };
  });
  if (new Set(profiles.map(({ accessKeyId }) => accessKeyId)).size < profiles.length) {
    throw damaged(path, 'two profiles have the same aws_access_key_id');
  }
  return profiles;
}

function keyOf(path: string, profile: string, key: string, value: string | undefined, form: RegExp): string {
  if (value === undefined) throw damaged(path, `profile ${profile} has no ${key}`);
  if (!form.test(value)) throw damaged(path, `profile ${profile} has an ${key} of the wrong form`);
  return value;
}

function damaged(path: string, problem: string): CredentialsFileError {
  return new CredentialsFileError(
    path,
    `is damaged: ${problem}. Repair it, or move it away and a new one with new keys is made`,
  );
}

async function exists(path: string): Promise<boolean> {
  return (
    (await stat(path).catch((error) => (codeOf(error) === 'ENOENT' ? undefined : Promise.reject(error)))) !== undefined
  );
}

/**
 * Writes the file beside its place and links it in, which fails rather than replace what another start has put there in the
 * meantime; that one's keys are then as good as ours.
 */
async function create(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(freshCredentials());
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error) => (codeOf(error) === 'EEXIST' ? undefined : Promise.reject(error)));
  } finally {
    await rm(draft, { force: true });
  }
}

function freshCredentials(): string {
  const sections = ROLES.map(({ name }) =>
    [
      `[${name}]`,
      `aws_access_key_id = ${freshAccessKeyId()}`,
      `aws_secret_access_key = ${randomBytes(30).toString('base64')}`,
      `region = ${EMBEDDED_SCOPE.region}`,
      '',
    ].join('\n'),
  );
  return ['# Keys of the embedded edition of hublease. They open nothing on AWS.\n', ...sections].join('\n');
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function freshAccessKeyId(): string {
  return `AKIA${Array.from(randomBytes(16), (byte) => BASE32.charAt(byte % BASE32.length)).join('')}`;
}

/** System error codes such as EACCES say enough; a message could say more than it should. */
function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
