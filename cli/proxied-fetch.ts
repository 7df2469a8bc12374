import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';

/** A fetch through the proxies of `HTTP_PROXY` and `HTTPS_PROXY`, in either case, but for what `NO_PROXY` lists. */
export function proxiedFetch(env: Readonly<Record<string, string | undefined>>): typeof fetch {
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: env.http_proxy || env.HTTP_PROXY || '',
    httpsProxy: env.https_proxy || env.HTTPS_PROXY || '',
    noProxy: env.no_proxy || env.NO_PROXY || '',
  });
  // The two fetches differ in nothing that is used here, only in the names of their types.
  return ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch;
}
