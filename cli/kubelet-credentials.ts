import { CommandFailed, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { type CachedLease, clocksNow } from './lease-cache.ts';
import { readSettings } from './settings.ts';

const API_VERSION = 'credentialprovider.kubelet.k8s.io/v1';
/** The kubelet's name for Docker Hub, for all spellings of an image. */
const HUB = 'docker.io';
/**
 * The kubelet may use a token for this share of its life. Then this program takes a new one. The rest is for a pull that began at the
 * last moment.
 */
const KEPT_SHARE = 0.75;

/**
 * The kubelet's protocol for image credentials: one CredentialProviderRequest on standard input, one CredentialProviderResponse on
 * standard output. Source: Kubernetes, "Kubelet CredentialProvider (v1)".
 *
 * @returns the exit code. If it is not 0, the kubelet logs standard error and pulls without these credentials.
 */
export async function kubeletCredentials(io: Io): Promise<number> {
  try {
    const image = imageOf(await io.readAll());
    io.out(`${JSON.stringify(registryOf(image) === HUB ? await leased(io.env) : NOTHING)}\n`);
    return EXIT.ok;
  } catch (error) {
    const { explain } = await import('./explain.ts');
    const { exitCode, message, hint } = explain(error);
    io.err(`hublease: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`);
    return exitCode;
  }
}

const ANSWER = {
  apiVersion: API_VERSION,
  kind: 'CredentialProviderResponse',
  // One lease works for every image.
  cacheKeyType: 'Registry',
} as const;

/** The answer for other registries, if the configuration's `matchImages` names them. */
const NOTHING = { ...ANSWER, cacheDuration: '0s', auth: null };

async function leased(env: Io['env']): Promise<object> {
  const { leaseToHandOut } = await import('./cached-lease.ts');
  const lease = await leaseToHandOut(await readSettings({}, env), env);
  const { username, password } = lease;
  return { ...ANSWER, cacheDuration: `${keptSeconds(lease)}s`, auth: { [HUB]: { username, password } } };
}

/** Whole seconds, by the clock that shows the larger age. */
function keptSeconds({ ttlMs, wallMs, uptimeMs }: CachedLease): number {
  const now = clocksNow();
  const ageMs = Math.max(now.wallMs - wallMs, now.uptimeMs - uptimeMs);
  return Math.max(0, Math.floor((ttlMs * KEPT_SHARE - ageMs) / 1_000));
}

/** @throws CommandFailed `usage` for anything except a request of the known version. */
function imageOf(text: string): string {
  let request: { apiVersion?: unknown; kind?: unknown; image?: unknown } | null;
  try {
    request = JSON.parse(text);
  } catch {
    request = null;
  }
  const { apiVersion, kind, image } = request ?? {};
  if (apiVersion === API_VERSION && kind === 'CredentialProviderRequest' && typeof image === 'string') return image;
  throw new CommandFailed(
    EXIT.usage,
    `standard input is not a CredentialProviderRequest of ${API_VERSION}`,
    'Only the kubelet runs this program. See docs/kubernetes.md.',
  );
}

/** The part before the first slash is a registry if it looks like a host. Source: distribution/reference, `splitDockerDomain`. */
function registryOf(image: string): string {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(0, slash));
  const registry = /[.:]/.test(first) || first === 'localhost' ? first : HUB;
  return registry === 'index.docker.io' ? HUB : registry;
}
