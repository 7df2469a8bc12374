import type { APIGatewayProxyEvent } from 'aws-lambda';
import { matchRoute } from '../../functions/wire/match-route.ts';
import { proxyEvent as gatewayEvent } from '../../local/front-door/proxy-event.ts';

export const ROLE_ARN = 'arn:aws:iam::111122223333:role/ci';

/** A request as a test writes it. */
export interface Sent {
  readonly method?: string;
  /** With the stage, without the query. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
  readonly userArn?: string | null;
  /** `identity.caller`; unless given, the one that belongs to `userArn`. */
  readonly caller?: string | null;
}

/** The event that API Gateway makes of a request whose path it knows; of another path, one without a resource. */
export function proxyEvent(sent: Sent = {}): APIGatewayProxyEvent {
  const { method = 'GET', path = '/v1/whoami', query = {}, body = null, isBase64Encoded = false } = sent;
  const { userArn = 'arn:aws:sts::111122223333:assumed-role/ci/build-7' } = sent;
  const { caller = principalIdOf(userArn) } = sent;
  const headers = sent.headers ?? (body === null ? {} : { 'Content-Type': 'application/json' });
  const match = routeOf(method, path);
  const event = gatewayEvent({
    requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
    atMs: 0,
    method,
    rawPath: path,
    query: Object.entries(query).flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
    headers: Object.entries(headers),
    body: Buffer.alloc(0),
    sourceIp: '203.0.113.7',
    profile: PROFILE,
    ...(match && { route: { resource: match.resource, pathParameters: match.pathParameters, admin: false } }),
  });
  const identity = { ...event.requestContext.identity, caller, user: caller, userArn };
  // As sent, whatever is wrong with it: a parameter without a value, a body that is no Base64, a path outside the stage.
  const lists = Object.fromEntries(Object.entries(query).map(([name, values]) => [name, [...values]]));
  const requestContext = { ...event.requestContext, stage: 'v1', identity } as APIGatewayProxyEvent['requestContext'];
  return {
    ...event,
    path: path.replace(/^\/v1/, ''),
    multiValueQueryStringParameters: sent.query === undefined ? null : lists,
    body,
    isBase64Encoded,
    requestContext,
  };
}

/** Signs every request; the caller's ARN and id are put over its own. */
const PROFILE = {
  name: 'build-7',
  accountId: '111122223333',
  userArn: 'arn:aws:sts::111122223333:assumed-role/ci/build-7',
  roleId: 'AROAEXAMPLEEXAMPLEAAA',
  mayAdminister: true,
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'unused',
};

/** The unique id that IAM could have given the principal of an ARN: the same for every session of a role. */
export function principalIdOf(userArn: unknown): string {
  const [, , , , accountId = '', resource = ''] = String(userArn).split(':');
  const [kind, name = '', session = 'build-7'] = resource.split('/');
  const id = Buffer.from(`${accountId}/${name}`).toString('hex').toUpperCase().slice(-17).padStart(17, '0');
  return kind === 'user' ? `AIDA${id}` : `AROA${id}:${session}`;
}

function routeOf(method: string, path: string) {
  try {
    return matchRoute(method, path);
  } catch {
    return undefined;
  }
}
