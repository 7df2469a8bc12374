import { directFetch } from '../client/direct-fetch.ts';
import { isLoopback } from '../client/loopback.ts';

type Env = Readonly<Record<string, string | undefined>>;

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

/** Whether the environment names a proxy. */
export function hasProxy(env: Env): boolean {
  return PROXY_VARIABLES.some((name) => Boolean(env[name]));
}

/**
 * A fetch through the proxy in the environment, except for this machine and for `NO_PROXY`. Node's own fetch only uses proxies if it was
 * started with `NODE_USE_ENV_PROXY`, so undici is loaded if there is a proxy. `NODE_EXTRA_CA_CERTS` works in both cases.
 *
 * @param socketPath a Unix socket for requests to this machine.
 */
export async function fetchOf(env: Env, socketPath?: string): Promise<typeof fetch> {
  const near = directFetch(socketPath);
  const far = hasProxy(env) ? (await import('./proxied-fetch.ts')).proxiedFetch(env) : fetch;
  return ((url: string, init: RequestInit) =>
    isLoopback(new URL(url)) ? near(url, init) : far(url, init)) as typeof fetch;
}

/** The environment for Node's own agents: requests to this machine use no proxy. */
export function withoutLoopbackProxy(env: Env): Env {
  const listed = env.no_proxy || env.NO_PROXY;
  const all = [...(listed ? [listed] : []), ...LOOPBACK].join(',');
  return { ...env, no_proxy: all, NO_PROXY: all };
}

/** In the forms that Node reads from `NO_PROXY`: names, what is below them, and ranges of addresses. */
const LOOPBACK = ['localhost', '.localhost', '127.0.0.1-127.255.255.255', '::1', '[::1]'];
