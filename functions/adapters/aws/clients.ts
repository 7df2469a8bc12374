/** Tries of one call, including the first. All calls here are safe to repeat, so a call whose reply was lost may be sent again. */
export const MAX_ATTEMPTS = 3;
/** AWS endpoints of the same region connect within about 10 ms. After a second, the endpoint is not reachable. */
export const CONNECTION_TIMEOUT_MS = 1_000;
/** Timeout per try. Three tries and their pauses stay within the 20 s of one API call. */
export const REQUEST_TIMEOUT_MS = 3_000;

/**
 * Options for every AWS client: limited tries and timeouts. By default, the SDK's own request timeout only logs and does not
 * throw. A connection that the server closed while the function was frozen fails with a reset. Then the SDK retries.
 *
 * Source: AWS SDK for JavaScript v3, `NodeHttpHandlerOptions` and "Retry behavior" (standard mode).
 */
export function clientConfig() {
  return {
    maxAttempts: MAX_ATTEMPTS,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  };
}
