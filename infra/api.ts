import { Aws, type Duration, Names, type RemovalPolicy, Stack, Token, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type AnyRoute, ROUTES, type Route, STAGE } from '../functions/wire/routes.ts';
import type { HubleaseFunction } from './function.ts';
import { bodyOf, GATEWAY_PROBLEMS, headersOf } from './gateway-problems.ts';
import { retentionOf } from './state.ts';
import type { Throttle, Throttling } from './throttling.ts';

/** Who besides this account may be given the callers' routes. Their own IAM policies must let them, too. */
export interface Consumers {
  /** Ids of other AWS accounts. The API's own account fails at synth where the stack knows it. @default none */
  readonly accounts?: readonly string[] | undefined;
  /** Id of an AWS organization (`o-…`), all of whose other accounts are consumers. @default none */
  readonly organizationId?: string | undefined;
}

export interface LeaseApiProps {
  readonly functions: Readonly<Record<Route['function'], HubleaseFunction>>;
  readonly consumers: Consumers;
  readonly throttling: Pick<Throttling, 'stage' | 'mints'>;
  readonly auditRetention: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** What logs in to Docker Hub, which locks a user name after repeated failures. */
const LOGIN_THROTTLE: Throttle = { ratePerSecond: 2, burst: 5 };
const METHOD_THROTTLES: Partial<Record<AnyRoute['operation'], Throttle>> = {
  putTarget: LOGIN_THROTTLE,
  actOnTarget: LOGIN_THROTTLE,
  // With a credential of its own.
  putSecret: LOGIN_THROTTLE,
};

const ACCOUNT_ID = /^\d{12}$/;
const ORGANIZATION_ID = /^o-[a-z0-9]{10,32}$/;

/**
 * The REST API, made from the route table: IAM decides about every request before a function sees it, and bodies and fields
 * are checked by the functions, which name what is wrong.
 */
export class LeaseApi extends Construct {
  readonly restApi: apigateway.RestApi;
  /** With the stage and without a slash at the end: `https://ID.execute-api.REGION.amazonaws.com/v1`. */
  readonly endpointUrl: string;
  readonly accessLog: logs.LogGroup;

  constructor(scope: Construct, id: string, props: LeaseApiProps) {
    super(scope, id);
    checkConsumers(props.consumers, Stack.of(this).account);
    this.accessLog = new logs.LogGroup(this, 'AccessLog', {
      retention: retentionOf(props.auditRetention),
      removalPolicy: props.removalPolicy,
    });
    this.restApi = new apigateway.RestApi(this, 'RestApi', {
      restApiName: Names.uniqueResourceName(scope, { maxLength: 128, separator: '-' }),
      description: 'hublease: just-in-time Docker Hub tokens',
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      // That role belongs to the whole account and region: see `ApiGatewayLogging`.
      cloudWatchRole: false,
      policy: new iam.PolicyDocument({
        statements: [denyForeignAdmins(), ...consumerStatements(props.consumers)],
      }),
      defaultMethodOptions: { authorizationType: apigateway.AuthorizationType.IAM },
      deployOptions: {
        stageName: STAGE,
        accessLogDestination: new apigateway.LogGroupLogDestination(this.accessLog),
        accessLogFormat: ACCESS_LOG,
        dataTraceEnabled: false,
        loggingLevel: apigateway.MethodLoggingLevel.OFF,
        metricsEnabled: true,
        throttlingRateLimit: props.throttling.stage.ratePerSecond,
        throttlingBurstLimit: props.throttling.stage.burst,
        methodOptions: methodThrottles(props.throttling),
      },
    });
    for (const route of ROUTES) {
      const integration = new apigateway.LambdaIntegration(props.functions[route.function].lambda, {
        allowTestInvoke: false,
      });
      this.restApi.root.resourceForPath(route.path).addMethod(route.method, integration);
    }
    for (const problem of GATEWAY_PROBLEMS) {
      this.restApi.addGatewayResponse(problem.type.responseType, {
        type: problem.type,
        statusCode: String(problem.status),
        responseHeaders: headersOf(problem),
        templates: { 'application/json': bodyOf(problem) },
      });
    }
    const { region, urlSuffix } = Stack.of(this);
    this.endpointUrl = `https://${this.restApi.restApiId}.execute-api.${region}.${urlSuffix}/${STAGE}`;
    this.acknowledge();
  }

  /**
   * ARN of one operation, for IAM policies; what a path leaves open is `*`.
   *
   * @param path in place of the route's own, to name one of what it leaves open.
   * @param apiId in place of the API's, for a text that people read.
   */
  arnOf(route: Route, path: string = route.path, apiId: string = this.restApi.restApiId): string {
    const { region, account, partition } = Stack.of(this);
    return `arn:${partition}:execute-api:${region}:${account}:${apiId}/${STAGE}/${route.method}${openEnded(path)}`;
  }

  /** Lets one role of another account call operations, as far as its own policies do. */
  admitRole(roleArn: string, accountId: string, routes: readonly RouteUse[]): void {
    this.restApi.addToResourcePolicy(
      new iam.PolicyStatement({
        // The account and not the role itself: AWS turns a role into an internal id, which a role made anew does not have.
        principals: [new iam.AccountPrincipal(accountId)],
        actions: ['execute-api:Invoke'],
        resources: routes.map(({ route, path }) => ownResource(route.method, path ?? route.path)),
        conditions: { ArnEquals: { 'aws:PrincipalArn': roleArn } },
      }),
    );
  }

  private acknowledge(): void {
    Validations.of(this.restApi).acknowledge({
      id: 'AwsSolutions-APIG2',
      reason:
        'The functions check every body, query and path against strict schemas and name the field that is wrong, which API Gateway cannot.',
    });
    Validations.of(this.restApi.deploymentStage).acknowledge(
      {
        id: 'AwsSolutions-APIG6',
        reason:
          'The access log has every request. Execution logs would go to a group outside the stack that never expires, and can quote requests.',
      },
      {
        id: 'AwsSolutions-APIG3',
        reason:
          'Every request needs a valid IAM signature before anything reads it. A web ACL can be attached to the stage where an organization asks for one.',
      },
    );
    Validations.of(this.restApi).acknowledge({
      id: 'AwsSolutions-COG4',
      reason: 'Callers are IAM principals, checked by API Gateway itself. There are no user pools.',
    });
  }
}

/** One route, or one path of those that it leaves open. */
export interface RouteUse {
  readonly route: Route;
  readonly path?: string;
}

function methodThrottles({ mints }: Pick<Throttling, 'mints'>): Record<string, apigateway.MethodDeploymentOptions> {
  return Object.fromEntries(
    ROUTES.flatMap(({ operation, method, path }) => {
      const throttle = operation === 'mintLease' ? mints : METHOD_THROTTLES[operation];
      if (throttle === undefined) return [];
      const options = {
        // A method's own settings replace the stage's, also those that they leave out.
        dataTraceEnabled: false,
        loggingLevel: apigateway.MethodLoggingLevel.OFF,
        metricsEnabled: true,
        throttlingRateLimit: throttle.ratePerSecond,
        throttlingBurstLimit: throttle.burst,
      };
      return [[`${path}/${method}`, options]];
    }),
  );
}

/** Who asked for what, and how it ended. No body, no query, no header. */
const ACCESS_LOG = apigateway.AccessLogFormat.custom(
  JSON.stringify({
    requestId: apigateway.AccessLogField.contextRequestId(),
    at: apigateway.AccessLogField.contextRequestTime(),
    caller: apigateway.AccessLogField.contextIdentityUserArn(),
    sourceIp: apigateway.AccessLogField.contextIdentitySourceIp(),
    method: apigateway.AccessLogField.contextHttpMethod(),
    path: apigateway.AccessLogField.contextPath(),
    route: apigateway.AccessLogField.contextResourcePath(),
    status: apigateway.AccessLogField.contextStatus(),
    refusal: apigateway.AccessLogField.contextErrorResponseType(),
    latencyMs: apigateway.AccessLogField.contextResponseLatency(),
    answerBytes: apigateway.AccessLogField.contextResponseLength(),
  }),
);

/** Whatever identity policies and other statements say: nobody of another account administers this installation. */
function denyForeignAdmins(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    effect: iam.Effect.DENY,
    principals: [new iam.AnyPrincipal()],
    actions: ['execute-api:Invoke'],
    resources: ['execute-api:/*/*/admin', 'execute-api:/*/*/admin/*'],
    conditions: { StringNotEquals: { 'aws:PrincipalAccount': Aws.ACCOUNT_ID } },
  });
}

/** Matches principals of every account but the API's own. */
const NOT_OWN_ACCOUNT = { StringNotEquals: { 'aws:PrincipalAccount': Aws.ACCOUNT_ID } };

/**
 * Account principals, with a condition where needed: an ARN of a role loses its meaning when the role is made anew.
 *
 * Within one account a resource policy is enough by itself, so that a statement that also matched the API's own account would
 * open the API to all of its principals, whatever their own policies say. Source: API Gateway Developer Guide, "How API Gateway
 * resource policies affect authorization workflow", table A.
 */
function consumerStatements({ accounts = [], organizationId }: Consumers): iam.PolicyStatement[] {
  const resources = ROUTES.filter((route) => route.who === 'caller').map((route) =>
    ownResource(route.method, route.path),
  );
  const actions = ['execute-api:Invoke'];
  return [
    ...(accounts.length > 0
      ? [
          new iam.PolicyStatement({
            principals: accounts.map((account) => new iam.AccountPrincipal(account)),
            actions,
            resources,
            conditions: NOT_OWN_ACCOUNT,
          }),
        ]
      : []),
    ...(organizationId !== undefined
      ? [
          new iam.PolicyStatement({
            principals: [new iam.AnyPrincipal()],
            actions,
            resources,
            conditions: { StringEquals: { 'aws:PrincipalOrgID': organizationId }, ...NOT_OWN_ACCOUNT },
          }),
        ]
      : []),
  ];
}

/** @param ownAccount of the stack; a token where it is only known when the stack is deployed. */
function checkConsumers({ accounts = [], organizationId }: Consumers, ownAccount: string): void {
  for (const account of accounts) {
    if (!ACCOUNT_ID.test(account))
      throw new Error(`consumers.accounts: expected account ids of 12 digits, got "${account}"`);
    if (!Token.isUnresolved(ownAccount) && account === ownAccount) {
      throw new Error(
        `consumers.accounts: ${account} is the account of hublease itself. Remove it: principals of this account need only their own IAM policies`,
      );
    }
  }
  if (organizationId !== undefined && !ORGANIZATION_ID.test(organizationId)) {
    throw new Error(`consumers.organizationId: expected an id such as o-a1b2c3d4e5, got "${organizationId}"`);
  }
}

/** An operation in the API's own policy, which API Gateway completes with the API's ARN. */
function ownResource(method: string, path: string): string {
  return `execute-api:/${STAGE}/${method}${openEnded(path)}`;
}

function openEnded(path: string): string {
  return path.replaceAll(/\{\w+\+?\}/g, '*');
}
