import type { APIGatewayProxyEvent } from 'aws-lambda';
import { proxyEvent } from '../functions/proxy-event.ts';

/** A request as it comes over the wire, whatever is wrong with it. */
export interface Wire {
  readonly method: string;
  /** With the stage, without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | null;
  readonly isBase64Encoded: boolean;
  readonly userArn: string | null;
  /** What the gateway says otherwise than it should, at the event's top and in its request context. */
  readonly event?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** The proxy event of a request. As API Gateway does, `headers` hold the last of several values. */
export function eventOf(wire: Wire): APIGatewayProxyEvent {
  const { headers, event, context, ...sent } = wire;
  const made = proxyEvent({
    ...sent,
    headers: Object.fromEntries(headers),
    ...(Object.keys(wire.query).length === 0 && { query: undefined }),
  } as Parameters<typeof proxyEvent>[0]);
  const lists = Map.groupBy(headers, ([name]) => name);
  return {
    ...made,
    multiValueHeaders: Object.fromEntries([...lists].map(([name, pairs]) => [name, pairs.map(([, value]) => value)])),
    requestContext: { ...made.requestContext, ...context } as APIGatewayProxyEvent['requestContext'],
    ...event,
  };
}
