import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { nearPath } from '../near-path.ts';
import { CannotOpenData } from './database.ts';

/**
 * The Docker Hub that a data folder belongs to: the bundled fake, whatever its port, or the origin of another one.
 *
 * A folder's passwords, sessions and token ids mean something to one Docker Hub only. Sent to another one they are a leak there,
 * and its "no such token" proves nothing. So the folder keeps this beside them, in its database.
 */
export type HubOfFolder = 'bundled' | `https://${string}` | `http://${string}`;

/** The bundled fake's own database inside a data folder. */
export const FAKE_DATABASE_FILE = 'fake-docker-hub.sqlite';

/** Where the name stands in table `meta`. */
const ROW = 'docker_hub';

/** @param hubOrigin absent for the bundled fake. Case, a default port and a last slash make no difference. */
export function hubOfFolder(hubOrigin: string | undefined): HubOfFolder {
  return hubOrigin === undefined ? 'bundled' : (new URL(hubOrigin).origin as HubOfFolder);
}

/**
 * Checks that a data folder may be used with `hub`. Writes nothing.
 *
 * A folder without a record is new, or a former version made it. It belongs to the bundled fake if it holds the fake's database.
 * Else it takes the Docker Hub of this start. Only the fake cannot take a folder that is in use: its targets are of another
 * Docker Hub.
 *
 * @param inUse whether the folder holds targets or leases.
 * @returns whether the folder has no record yet.
 * @throws CannotOpenData `other_hub`, `hub_unknown` or `hub_damaged`.
 */
export function checkHub(database: DatabaseSync, dataDir: string, hub: HubOfFolder, inUse: boolean): boolean {
  const dir = resolve(dataDir);
  const recorded = readRecord(database, dir);
  const isFakes = existsSync(join(dir, FAKE_DATABASE_FILE));
  const owner = recorded ?? (isFakes ? 'bundled' : undefined);
  if (owner !== undefined && owner !== hub) throw otherHub(dir, owner, hub);
  if (owner === undefined && hub === 'bundled' && inUse) throw unknownHub(dir);
  return recorded === undefined;
}

/**
 * Records what `checkHub` has allowed. On a full disk a folder in use stays without a record: it has to go on revoking, and the
 * next start comes to the same end.
 *
 * @throws CannotOpenData `unwritable`, for a folder that is not in use.
 */
export function recordHub(database: DatabaseSync, dataDir: string, hub: HubOfFolder, inUse: boolean): void {
  try {
    database.prepare('INSERT INTO meta (name, value) VALUES (?, ?)').run(ROW, Buffer.from(hub));
  } catch {
    if (!inUse)
      throw new CannotOpenData(resolve(dataDir), 'unwritable', 'its database takes no writes; is the disk full?');
  }
}

function readRecord(database: DatabaseSync, dir: string): HubOfFolder | undefined {
  const row = database.prepare('SELECT value FROM meta WHERE name = ?').get(ROW) as { value: Uint8Array } | undefined;
  if (row === undefined) return undefined;
  const text = Buffer.from(row.value).toString();
  if (text === 'bundled' || isOrigin(text)) return text as HubOfFolder;
  throw new CannotOpenData(
    dir,
    'hub_damaged',
    'its record of the Docker Hub that it belongs to is damaged; put back a copy of the folder, or use another one with --data',
  );
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

function otherHub(dir: string, owner: HubOfFolder, hub: HubOfFolder): CannotOpenData {
  const another = `${nearPath(dir)}-${hub === 'bundled' ? 'fake' : 'hub'}`;
  return new CannotOpenData(
    dir,
    'other_hub',
    `it belongs to ${nameOf(owner)}. For ${nameOf(hub)} use another folder: ${startOf(hub, another)} ` +
      `(to go on with this one: ${startOf(owner, nearPath(dir))})`,
  );
}

function unknownHub(dir: string): CannotOpenData {
  const hub = 'https://hub.docker.com';
  return new CannotOpenData(
    dir,
    'hub_unknown',
    'it belongs to a Docker Hub other than the bundled fake, and a former version did not record which. Name it, ' +
      `for example: ${startOf(hub, nearPath(dir))} (for ${nameOf('bundled')} use another folder: ` +
      `${startOf('bundled', `${nearPath(dir)}-fake`)})`,
  );
}

function nameOf(hub: HubOfFolder): string {
  return hub === 'bundled' ? 'the bundled fake Docker Hub' : hub;
}

/** The command that starts the edition with this Docker Hub and this folder, ready to paste. */
function startOf(hub: HubOfFolder, folder: string): string {
  const words = hub === 'bundled' ? [] : ['--hub', hub];
  return ['npm start --', ...words, '--data', shellWord(folder)].join(' ');
}

/** One word of a shell. A folder with control characters in its name would break the line, so it is left to the reader. */
function shellWord(text: string): string {
  if (/^[\w./~@%+=:,-]+$/.test(text)) return text;
  return /\p{Cc}/u.test(text) ? 'DIR' : `'${text.replaceAll("'", "'\\''")}'`;
}
