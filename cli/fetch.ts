type Env = Readonly<Record<string, string | undefined>>;

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

/** Whether the environment names a proxy. */
export function hasProxy(env: Env): boolean {
  return PROXY_VARIABLES.some((name) => Boolean(env[name]));
}

/**
 * A fetch that goes through the proxy that the environment names, but for what `NO_PROXY` lists. Node's own knows proxies only
 * when it was started with `NODE_USE_ENV_PROXY`, so undici is loaded for it, and only then. `NODE_EXTRA_CA_CERTS` counts either
 * way.
 */
export async function fetchOf(env: Env): Promise<typeof fetch> {
  if (!hasProxy(env)) return fetch;
  const { proxiedFetch } = await import('./proxied-fetch.ts');
  return proxiedFetch(env);
}
