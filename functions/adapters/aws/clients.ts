/** Tries of one call, the first included. What is called here is safe to repeat, so a lost reply may be sent again. */
export const MAX_ATTEMPTS = 3;
/** AWS endpoints of the same region connect within some 10 ms; a second means that nobody is there. */
export const CONNECTION_TIMEOUT_MS = 1_000;
/** Per try. Three of them, with the pauses between, stay within the 20 s that one API call may take. */
export const REQUEST_TIMEOUT_MS = 3_000;

/**
 * Options for every AWS client: bounded tries and bounded waiting. The SDK's own request timeout only logs unless told to
 * throw. A connection that the server closed while the function was frozen fails with a reset, which the SDK tries again.
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
