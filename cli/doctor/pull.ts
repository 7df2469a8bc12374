import { openApi } from '../api.ts';
import { EXIT } from '../exit.ts';
import { explain } from '../explain.ts';
import { fetchOf } from '../fetch.ts';
import { mintBody, openPassword } from '../minting.ts';
import { type CliSettings, secretOf } from '../settings.ts';
import { type Finding, failed, ok } from './finding.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The servers for registry bearers and for images. */
export interface RegistryOrigins {
  readonly auth: string;
  readonly registry: string;
}

const ANSWER_MS = 15_000;

/** Media types of manifests. Source: OCI image specification 1.1, media types; Docker's own before it. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** Tests a pull up to its manifest: leases, exchanges the token as docker does, gets the manifest, and revokes. */
export async function examinePull(
  image: string,
  settings: CliSettings,
  env: Env,
  origins: RegistryOrigins,
): Promise<Finding[]> {
  const { repository, reference } = imageOf(image);
  try {
    const api = await openApi(settings, env);
    const name = secretOf(settings);
    const minted = (await api.call('mintLease', { name, body: mintBody({ label: 'hublease doctor' }) })).body;
    try {
      return await pull(repository, reference, openPassword(minted), await fetchOf(env), origins);
    } finally {
      await api.call('revokeLease', { name: minted.lease.id }).catch(() => {});
    }
  } catch (error) {
    const { message, hint = '', exitCode } = explain(error);
    return [failed('pull', message, hint, exitCode)];
  }
}

async function pull(
  repository: string,
  reference: string,
  { username, password }: { username: string; password: string },
  ask: typeof fetch,
  origins: RegistryOrigins,
): Promise<Finding[]> {
  const exchange = new URL('/token', origins.auth);
  exchange.search = new URLSearchParams({
    service: 'registry.docker.io',
    scope: `repository:${repository}:pull`,
  }).toString();
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const answer = await asked(ask, exchange, { authorization });
  const bearer =
    answer?.status === 200 ? ((await answer.json().catch(() => ({}))) as { token?: string }).token : undefined;
  if (bearer === undefined) {
    const detail = `${origins.auth} did not exchange the token: ${answer?.status ?? 'no answer'}`;
    return [failed('pull', detail, 'Check the network. Docker Hub may have an incident.', EXIT.dockerHub)];
  }
  const exchanged = ok('pull', `${origins.auth} accepts the token of ${username}`);
  const path = new URL(`/v2/${repository}/manifests/${reference}`, origins.registry);
  const manifest = await asked(ask, path, { authorization: `Bearer ${bearer}`, accept: MANIFESTS });
  if (manifest?.status === 200) return [exchanged, ok('pull', `${repository}:${reference} can be pulled`)];
  const detail = `${repository}:${reference}: ${manifest?.status ?? 'no answer'} from ${origins.registry}`;
  const next =
    manifest?.status === 404
      ? 'The image or tag does not exist.'
      : 'The secret does not cover this repository, or the registry cannot be reached.';
  return [exchanged, failed('pull', detail, next, EXIT.dockerHub)];
}

async function asked(ask: typeof fetch, url: URL, headers: Record<string, string>): Promise<Response | undefined> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  return ask(url.href, { headers, redirect: 'error', signal }).catch(() => undefined);
}

/** Reads a name as docker does: `docker.io/`, `library/` for a single word, and `latest` are optional. */
function imageOf(image: string): { repository: string; reference: string } {
  const name = image.replace(/^(?:index\.)?docker\.io\//, '');
  const [, path = '', digest] = /^([^@:]+)(?::[^@]+)?@(.+)$/.exec(name) ?? [];
  const [, tagged = name, tag = 'latest'] = /^([^:]+):(.+)$/.exec(name) ?? [];
  const repository = digest === undefined ? tagged : path;
  return { repository: repository.includes('/') ? repository : `library/${repository}`, reference: digest ?? tag };
}
