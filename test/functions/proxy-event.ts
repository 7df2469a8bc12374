import type { APIGatewayProxyEvent } from 'aws-lambda';
import { matchRoute } from '../../functions/wire/match-route.ts';

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
  const { method = 'GET', path = '/v1/whoami', query, body = null, isBase64Encoded = false } = sent;
  const { userArn = 'arn:aws:sts::111122223333:assumed-role/ci/build-7' } = sent;
  const { caller = principalIdOf(userArn) } = sent;
  const headers = sent.headers ?? (body === null ? {} : { 'Content-Type': 'application/json' });
  const match = routeOf(method, path);
  return {
    resource: match?.resource ?? '/{proxy+}',
    path: path.replace(/^\/v1/, ''),
    httpMethod: method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters:
      query === undefined
        ? null
        : Object.fromEntries(Object.entries(query).map(([name, values]) => [name, values.at(-1) ?? ''])),
    multiValueQueryStringParameters:
      query === undefined
        ? null
        : Object.fromEntries(Object.entries(query).map(([name, values]) => [name, [...values]])),
    pathParameters: match === undefined || Object.keys(match.pathParameters).length === 0 ? null : match.pathParameters,
    stageVariables: null,
    body,
    isBase64Encoded,
    requestContext: {
      accountId: '000000000000',
      apiId: 'abcdef1234',
      authorizer: undefined,
      protocol: 'HTTP/1.1',
      httpMethod: method,
      path,
      stage: 'v1',
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      requestTimeEpoch: 0,
      resourceId: 'abc123',
      resourcePath: match?.resource ?? '/{proxy+}',
      identity: {
        accessKey: 'AKIDEXAMPLE',
        accountId: '111122223333',
        apiKey: null,
        apiKeyId: null,
        caller,
        clientCert: null,
        cognitoAuthenticationProvider: null,
        cognitoAuthenticationType: null,
        cognitoIdentityId: null,
        cognitoIdentityPoolId: null,
        principalOrgId: null,
        sourceIp: '203.0.113.7',
        user: caller,
        userAgent: 'test',
        userArn,
      },
    },
  };
}

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
