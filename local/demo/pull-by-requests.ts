import { createHash } from 'node:crypto';
import type { ImageName, Login } from './pull.ts';

/** Both families of media types that a single image's manifest may have. */
const MANIFEST_TYPES = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
];

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/**
 * Pulls an image as every client does: the registry's challenge, a bearer in exchange for the login, the manifest, and each blob,
 * whose bytes must have the digest that they were asked for by. Source: distribution/distribution, "HTTP API V2" and "Token
 * Authentication".
 *
 * @returns the number of layers, or undefined when the login was not let in.
 * @throws Error when the registry answers anything else than an image or a refusal.
 */
export async function pullByRequests(image: ImageName, login: Login): Promise<number | undefined> {
  const { registryOrigin, repository, tag } = image;
  const bearer = await bearerFor(image, login);
  if (bearer === undefined) return undefined;
  const get = async (path: string): Promise<Buffer | undefined> => {
    const headers = { authorization: `Bearer ${bearer}`, accept: MANIFEST_TYPES.join(', ') };
    const response = await fetch(`${registryOrigin}/v2/${repository}/${path}`, { headers });
    const content = Buffer.from(await response.arrayBuffer());
    if (response.status === 401 || response.status === 403) return undefined;
    if (!response.ok) throw new Error(`the registry answered ${response.status}`);
    return content;
  };
  const manifest = await get(`manifests/${tag}`);
  if (manifest === undefined) return undefined;
  const { config, layers } = JSON.parse(manifest.toString()) as Manifest;
  for (const { digest } of [config, ...layers]) {
    const blob = await get(`blobs/${digest}`);
    if (blob === undefined) return undefined;
    if (`sha256:${createHash('sha256').update(blob).digest('hex')}` !== digest) {
      throw new Error('a blob does not have the digest that it was asked for by');
    }
  }
  return layers.length;
}

/** Asks without credentials first: the refusal says where a bearer is to be had, and for which service. */
async function bearerFor({ registryOrigin, repository }: ImageName, login: Login): Promise<string | undefined> {
  const refused = await fetch(`${registryOrigin}/v2/`);
  await refused.arrayBuffer();
  const challenge = refused.headers.get('www-authenticate') ?? '';
  const field = (name: string) => new RegExp(`${name}="([^"]+)"`).exec(challenge)?.[1];
  const [realm, service] = [field('realm'), field('service')];
  if (refused.status !== 401 || realm === undefined || service === undefined) {
    throw new Error('the registry did not say where to get a bearer');
  }
  const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const query = new URLSearchParams({ service, scope: `repository:${repository}:pull` });
  const answer = await fetch(`${realm}?${query}`, { headers: { authorization: `Basic ${basic}` } });
  const body = (await answer.json()) as { token?: string };
  return answer.ok ? body.token : undefined;
}
