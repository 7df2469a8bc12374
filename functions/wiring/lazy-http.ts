import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { Meter } from '../adapters/aws/metrics.ts';
import { type HttpHandler, problemResult, requestIdOf } from '../http.ts';
import { errorFields, type Log } from '../log.ts';
import { measureAnswer } from './measured-answers.ts';

/** Makes a Lambda handler of one that needs ports which are only loaded with the first request, and measures its answers. */
export function lazyHttp<P>(
  wired: { readonly ports: () => Promise<P>; readonly log: Log; readonly meter: Meter },
  make: (ports: P, log: Log) => HttpHandler,
): HttpHandler {
  const answer: HttpHandler = async (event) => {
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
  return async (event: APIGatewayProxyEvent) => {
    const result = await answer(event);
    measureAnswer(event, result, wired.meter);
    return result;
  };
}
