import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pullByRequests } from './pull-by-requests.ts';

/** An image of a registry on this machine, which speaks plain HTTP. */
export interface ImageName {
  /** `http://127.0.0.1:PORT`. */
  readonly registryOrigin: string;
  /** `acme-bot/app`. */
  readonly repository: string;
  readonly tag: string;
}

/** A user name of Docker Hub, and a token. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** How a pull ended: with the image's layers, or refused. */
export interface Pull {
  /** What pulled: a client that people use, or this program with the same requests. */
  readonly by: 'skopeo' | 'requests';
  /** Absent when the registry did not let the login in. */
  readonly layerCount?: number;
}

/**
 * Pulls an image and throws it away: with skopeo where that is installed, else with the requests that skopeo makes.
 *
 * @param skopeo the program's name.
 */
export async function pullImage(image: ImageName, login: Login, skopeo = 'skopeo'): Promise<Pull> {
  const folder = await mkdtemp(join(tmpdir(), 'hublease-pull-'));
  try {
    return (await pullBySkopeo(skopeo, image, login, folder)) ?? (await byRequests(image, login));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function byRequests(image: ImageName, login: Login): Promise<Pull> {
  const layerCount = await pullByRequests(image, login);
  return { by: 'requests', ...(layerCount !== undefined && { layerCount }) };
}

/** Undefined where skopeo is not installed. The token goes into a file: every user of a machine can read arguments. */
async function pullBySkopeo(
  skopeo: string,
  { registryOrigin, repository, tag }: ImageName,
  { username, password }: Login,
  folder: string,
): Promise<Pull | undefined> {
  const { host } = new URL(registryOrigin);
  const [authFile, imageFolder] = [join(folder, 'auth.json'), join(folder, 'image')];
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await writeFile(authFile, JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 });
  await mkdir(imageFolder);
  const flags = ['--insecure-policy', 'copy', '--src-tls-verify=false', '--src-authfile', authFile];
  const exitCode = await run(skopeo, [...flags, `docker://${host}/${repository}:${tag}`, `dir:${imageFolder}`]);
  if (exitCode === undefined) return undefined;
  if (exitCode !== 0) return { by: 'skopeo' };
  const manifest = JSON.parse(await readFile(join(imageFolder, 'manifest.json'), 'utf8')) as { layers: unknown[] };
  return { by: 'skopeo', layerCount: manifest.layers.length };
}

/** The exit code, or undefined when there is no such program. */
async function run(program: string, args: readonly string[]): Promise<number | undefined> {
  const child = spawn(program, args, { stdio: 'ignore' });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
