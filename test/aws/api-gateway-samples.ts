import type { APIGatewayProxyEvent } from 'aws-lambda';

/** The API's own account, which is not that of every caller. */
const API_ACCOUNT = '123456789012';

type Identity = APIGatewayProxyEvent['requestContext']['identity'];

/**
 * A REST API's proxy event, with every field that the documented sample has: `POST /lease/ci/release` on stage `v1`.
 * Source: API Gateway Developer Guide, "Input format of a Lambda function for proxy integration"; the context's fields: "$context
 * Variables for data models, authorizers, mapping templates, and CloudWatch access logging".
 */
export function sampleEvent(identity: Partial<Identity>): APIGatewayProxyEvent {
  const headers = {
    accept: 'application/json',
    Authorization:
      'AWS4-HMAC-SHA256 Credential=ASIAIOSFODNN7EXAMPLE/20261121/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=0',
    'content-type': 'application/json',
    Host: '70ixmpl4fl.execute-api.us-east-1.amazonaws.com',
    'User-Agent': 'aws-sigv4-client',
    'X-Amz-Date': '20261121T100000Z',
    'X-Amz-Security-Token': 'canary-of-the-session-token',
    'X-Amzn-Trace-Id': 'Root=1-5e66d96f-7491f09xmpl79d18acf3d050',
    'X-Forwarded-For': '52.255.255.12',
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
  };
  return {
    resource: '/lease/{name+}',
    path: '/lease/ci/release',
    httpMethod: 'POST',
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { name: 'ci/release' },
    stageVariables: null,
    requestContext: {
      resourceId: '2gxmpl',
      resourcePath: '/lease/{name+}',
      httpMethod: 'POST',
      extendedRequestId: 'JJbxmplHYosFVYQ=',
      requestTime: '21/Nov/2026:10:00:03 +0000',
      path: '/v1/lease/ci/release',
      accountId: API_ACCOUNT,
      protocol: 'HTTP/1.1',
      stage: 'v1',
      domainPrefix: '70ixmpl4fl',
      requestTimeEpoch: 1_795_255_203_000,
      requestId: '77375676-xmpl-4b79-853a-f982474efe18',
      identity: {
        cognitoIdentityPoolId: null,
        accountId: null,
        cognitoIdentityId: null,
        caller: null,
        sourceIp: '52.255.255.12',
        principalOrgId: null,
        accessKey: null,
        cognitoAuthenticationType: null,
        cognitoAuthenticationProvider: null,
        userArn: null,
        userAgent: 'aws-sigv4-client',
        user: null,
        apiKey: null,
        apiKeyId: null,
        clientCert: null,
        ...identity,
      },
      domainName: '70ixmpl4fl.execute-api.us-east-1.amazonaws.com',
      apiId: '70ixmpl4fl',
      authorizer: undefined,
    },
    body: '{"ttl":"10m"}',
    isBase64Encoded: false,
  };
}

/** Whom `$context.identity` shows for a caller that signed with long-lived keys: `user` and `caller` are the user's unique id. */
export function userIdentity(path: string, accountId = API_ACCOUNT): Partial<Identity> {
  const id = 'AIDACKCEVSQ6C2EXAMPLE';
  const userArn = `arn:aws:iam::${accountId}:user/${path}`;
  return {
    accountId,
    caller: id,
    user: id,
    accessKey: 'AKIAIOSFODNN7EXAMPLE',
    userArn,
    principalOrgId: 'o-xxxexample',
  };
}

/** For a session of a role: the role's unique id and the session's name. Source: IAM User Guide, "IAM identifiers". */
export function sessionIdentity(role: string, session: string, accountId = API_ACCOUNT): Partial<Identity> {
  const id = `AROADBQP57FF2AEXAMPLE:${session}`;
  const userArn = `arn:aws:sts::${accountId}:assumed-role/${role}/${session}`;
  return {
    accountId,
    caller: id,
    user: id,
    accessKey: 'ASIAIOSFODNN7EXAMPLE',
    userArn,
    principalOrgId: 'o-xxxexample',
  };
}

/** For a federated user of GetFederationToken: the account and the name. Source: STS API reference, `FederatedUser`. */
export function federatedIdentity(name: string, accountId = API_ACCOUNT): Partial<Identity> {
  const id = `${accountId}:${name}`;
  const userArn = `arn:aws:sts::${accountId}:federated-user/${name}`;
  return { accountId, caller: id, user: id, accessKey: 'ASIAIOSFODNN7EXAMPLE', userArn, principalOrgId: null };
}

/** What other sources send to a function. Source: Lambda Developer Guide, the sample event of each. */
export const OTHER_EVENTS: Readonly<Record<string, unknown>> = {
  'an HTTP API (payload version 2.0)': {
    version: '2.0',
    routeKey: 'POST /v1/lease/{name+}',
    rawPath: '/v1/lease/ci/release',
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    requestContext: {
      accountId: API_ACCOUNT,
      apiId: 'api-id',
      authorizer: {
        iam: { accessKey: 'AKIA', accountId: API_ACCOUNT, userArn: `arn:aws:iam::${API_ACCOUNT}:role/ci` },
      },
      http: { method: 'POST', path: '/v1/lease/ci/release', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: 'POST /v1/lease/{name+}',
      stage: 'v1',
      timeEpoch: 1_583_817_383_220,
    },
    pathParameters: { name: 'ci/release' },
    body: '{}',
    isBase64Encoded: false,
  },
  'a function URL': {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/v1/lease/ci/release',
    headers: {},
    requestContext: {
      accountId: API_ACCOUNT,
      authorizer: { iam: { userArn: `arn:aws:iam::${API_ACCOUNT}:role/ci` } },
      http: { method: 'POST', path: '/v1/lease/ci/release' },
      requestId: 'id',
      stage: '$default',
    },
    body: '{}',
    isBase64Encoded: false,
  },
  'a load balancer': {
    requestContext: {
      elb: { targetGroupArn: `arn:aws:elasticloadbalancing:us-east-1:${API_ACCOUNT}:targetgroup/x/y` },
    },
    httpMethod: 'POST',
    path: '/v1/lease/ci/release',
    queryStringParameters: {},
    headers: { host: 'lb.example.com' },
    body: '{}',
    isBase64Encoded: false,
  },
  'a Lambda authorizer’s request': {
    type: 'REQUEST',
    methodArn: `arn:aws:execute-api:us-east-1:${API_ACCOUNT}:abcdef123/v1/POST/lease/ci/release`,
    resource: '/lease/{name+}',
    path: '/lease/ci/release',
    httpMethod: 'POST',
    headers: {},
  },
  'a WebSocket API': {
    requestContext: { routeKey: '$connect', eventType: 'CONNECT', connectionId: 'L0SM9cOFvHcCIhw=', stage: 'v1' },
    isBase64Encoded: false,
  },
  'a queue': { Records: [{ messageId: '1', eventSource: 'aws:sqs', body: '{}' }] },
  'a schedule': { version: '0', 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} },
  'somebody by hand': {},
  'somebody by hand, with nothing': null,
  'somebody by hand, with a text': 'event',
};
