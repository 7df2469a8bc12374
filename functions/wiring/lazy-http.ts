import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type HttpHandler, problemResult, requestIdOf } from '../http.ts';
import { errorFields, type Log } from '../log.ts';

/** Makes a Lambda handler of one that needs ports which are only loaded with the first request. */
export function lazyHttp<P>(
  wired: { readonly ports: () => Promise<P>; readonly log: Log },
  make: (ports: P, log: Log) => HttpHandler,
): HttpHandler {
  return async (event: APIGatewayProxyEvent) => {
    let ports: P;
    try {
      ports = await wired.ports();
    } catch (error) {
      wired.log.error('ports_unavailable', errorFields(error));
      const failure = { tag: 'store_unavailable', retryAfterSeconds: 5 } as const;
      return problemResult(failure, requestIdOf(event) ?? 'unknown');
    }
    return make(ports, wired.log)(event);
  };
}
