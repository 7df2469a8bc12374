import { directFetch } from '../client/direct-fetch.ts';
import { isLoopback } from '../client/loopback.ts';

type Env = Readonly<Record<string, string | undefined>>;

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

/** Whether the environment names a proxy. */
export function hasProxy(env: Env): boolean {
  return PROXY_VARIABLES.some((name) => Boolean(env[name]));
}

/**
 * A fetch that goes through the proxy that the environment names, except for this machine and for what `NO_PROXY` lists. Node's own
 * knows proxies only when it was started with `NODE_USE_ENV_PROXY`, so undici is loaded for it, and only then.
 * `NODE_EXTRA_CA_CERTS` counts either way.
 *
 * @param socketPath a Unix socket that requests to this machine go to.
 */
export async function fetchOf(env: Env, socketPath?: string): Promise<typeof fetch> {
  const near = directFetch(socketPath);
  const far = hasProxy(env) ? (await import('./proxied-fetch.ts')).proxiedFetch(env) : fetch;
  return ((url: string, init: RequestInit) =>
    isLoopback(new URL(url)) ? near(url, init) : far(url, init)) as typeof fetch;
}

/** The environment for Node's own agents, in which no request to this machine goes through a proxy. */
export function withoutLoopbackProxy(env: Env): Env {
  const listed = env.no_proxy || env.NO_PROXY;
  const all = [...(listed ? [listed] : []), ...LOOPBACK].join(',');
  return { ...env, no_proxy: all, NO_PROXY: all };
}

/** In the forms that Node reads from `NO_PROXY`: names, what is below them, and ranges of addresses. */
const LOOPBACK = ['localhost', '.localhost', '127.0.0.1-127.255.255.255', '::1', '[::1]'];
