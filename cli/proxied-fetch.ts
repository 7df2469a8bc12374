import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';

/** A fetch through the proxies of `HTTP_PROXY` and `HTTPS_PROXY`, in upper or lower case, except for hosts in `NO_PROXY`. */
export function proxiedFetch(env: Readonly<Record<string, string | undefined>>): typeof fetch {
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: env.http_proxy || env.HTTP_PROXY || '',
    httpsProxy: env.https_proxy || env.HTTPS_PROXY || '',
    noProxy: env.no_proxy || env.NO_PROXY || '',
  });
  // The parts used here are the same in both fetches. Only the names of their types differ.
  return ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch;
}
