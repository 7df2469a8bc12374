import { isUtf8 } from 'node:buffer';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { Profile } from './profiles.ts';

/** The route that a request matched, as API Gateway states it. */
export interface MatchedRoute {
  /** In API Gateway's notation, without the stage: `/lease/{name+}`. */
  readonly resource: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly admin: boolean;
}

/** A request whose signature held. */
export interface Arrival {
  readonly requestId: string;
  readonly atMs: number;
  readonly method: string;
  /** With the stage: `/v1/leases`. */
  readonly rawPath: string;
  readonly query: readonly [name: string, value: string][];
  /** As sent, in order. */
  readonly headers: readonly [name: string, value: string][];
  readonly body: Buffer;
  readonly sourceIp: string;
  readonly profile: Profile;
  /** Absent when the API has no such route. */
  readonly route?: MatchedRoute;
}

/** The account that owns the API: the admin profile's. */
const OWNER_ACCOUNT_ID = '000000000000';

/** What an event's `resource` is when no route matched. No route of ours, and nothing that a caller can choose. */
export const UNMATCHED_RESOURCE = '/{proxy+}';

/** Parts of a signature. They have done their work, and are kept from whatever looks at the event. */
const WITHHELD = new Set(['authorization', 'x-amz-security-token']);

/**
 * Writes the event that an API Gateway REST API with IAM authorisation hands to a Lambda proxy integration. Source: API Gateway
 * Developer Guide, "Input format of a Lambda function for proxy integration". As there, `headers` and `queryStringParameters`
 * hold the last of several values, header names keep the case in which they were sent, and `path` lacks the stage while
 * `requestContext.path` has it; both paths are raw. A body that is no UTF-8 goes as base64.
 */
export function proxyEvent(arrival: Arrival): APIGatewayProxyEvent {
  const { method, rawPath, route, profile } = arrival;
  const resource = route?.resource ?? UNMATCHED_RESOURCE;
  const stage = rawPath.split('/')[1] ?? '';
  const headers = grouped(
    arrival.headers.filter(([name]) => !WITHHELD.has(name.toLowerCase())),
    (name) => name.toLowerCase(),
  );
  const query = grouped(arrival.query, (name) => name);
  const header = (name: string) => arrival.headers.findLast(([sent]) => sent.toLowerCase() === name)?.[1];
  // Decoded with replacement characters it would be another body, a password for instance, and pass for text.
  const isText = isUtf8(arrival.body);
  const principal = `${profile.roleId}:${profile.name}`;
  return {
    resource,
    path: rawPath.slice(stage.length + 1),
    httpMethod: method,
    headers: lastOf(headers),
    multiValueHeaders: Object.fromEntries(headers),
    queryStringParameters: query.length === 0 ? null : lastOf(query),
    multiValueQueryStringParameters: query.length === 0 ? null : Object.fromEntries(query),
    pathParameters: route === undefined || Object.keys(route.pathParameters).length === 0 ? null : route.pathParameters,
    stageVariables: null,
    requestContext: {
      accountId: OWNER_ACCOUNT_ID,
      apiId: 'embedded',
      authorizer: undefined,
      domainName: header('host'),
      extendedRequestId: arrival.requestId,
      httpMethod: method,
      path: rawPath,
      protocol: 'HTTP/1.1',
      requestId: arrival.requestId,
      requestTime: commonLogTime(arrival.atMs),
      requestTimeEpoch: arrival.atMs,
      resourceId: 'embedded',
      resourcePath: resource,
      stage,
      identity: {
        accessKey: profile.accessKeyId,
        accountId: profile.accountId,
        apiKey: null,
        apiKeyId: null,
        caller: principal,
        clientCert: null,
        cognitoAuthenticationProvider: null,
        cognitoAuthenticationType: null,
        cognitoIdentityId: null,
        cognitoIdentityPoolId: null,
        principalOrgId: null,
        sourceIp: arrival.sourceIp,
        user: principal,
        userAgent: header('user-agent') ?? null,
        userArn: profile.userArn,
      },
    },
    body: arrival.body.length === 0 ? null : arrival.body.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  };
}

/** Gathers pairs of the same key under the name that came first. */
function grouped(
  pairs: readonly (readonly [name: string, value: string])[],
  keyOf: (name: string) => string,
): [name: string, values: string[]][] {
  const groups = new Map<string, [string, string[]]>();
  for (const [name, value] of pairs) {
    const group = groups.get(keyOf(name));
    if (group === undefined) groups.set(keyOf(name), [name, [value]]);
    else group[1].push(value);
  }
  return [...groups.values()];
}

function lastOf(groups: readonly [string, string[]][]): Record<string, string> {
  return Object.fromEntries(groups.map(([name, values]) => [name, values.at(-1) ?? '']));
}

/** `21/Nov/2026:09:30:00 +0000`, the form of `requestTime`. */
function commonLogTime(atMs: number): string {
  const [, day, month, year, time] = new Date(atMs).toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}
