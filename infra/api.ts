import { type Duration, Names, type RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type ApiAddress, operationArn } from '../functions/wire/consumer-policy.ts';
import { type Route, STAGE } from '../functions/wire/route.ts';
import { type AnyRoute, ROUTES } from '../functions/wire/routes.ts';
import type { HubleaseFunction } from './function.ts';
import { bodyOf, GATEWAY_PROBLEMS, headersOf } from './gateway-problems.ts';
import type { Endpoint } from './operation.ts';
import { type Consumers, ResourcePolicy } from './resource-policy.ts';
import { retentionOf } from './retention.ts';
import type { Throttle, Throttling } from './throttling.ts';

export interface LeaseApiProps {
  readonly functions: Readonly<Record<Route['function'], HubleaseFunction>>;
  readonly consumers: Consumers;
  readonly throttling: Pick<Throttling, 'stage' | 'mints'>;
  readonly auditRetention: Duration;
  readonly removalPolicy: RemovalPolicy;
  readonly endpoint: Endpoint;
  readonly logKey?: kms.IKey | undefined;
  readonly tracing: boolean;
}

/** What logs in to Docker Hub, which locks a user name after repeated failures. */
const LOGIN_THROTTLE: Throttle = { ratePerSecond: 2, burst: 5 };
const METHOD_THROTTLES: Partial<Record<AnyRoute['operation'], Throttle>> = {
  putTarget: LOGIN_THROTTLE,
  actOnTarget: LOGIN_THROTTLE,
  // With a credential of its own.
  putSecret: LOGIN_THROTTLE,
};

/**
 * The REST API, made from the API's operations: IAM decides about every request before a function sees it, and bodies and fields
 * are checked by the functions, which name what is wrong.
 */
export class LeaseApi extends Construct {
  readonly restApi: apigateway.RestApi;
  /** With the stage and without a slash at the end: `https://ID.execute-api.REGION.amazonaws.com/v1`. */
  readonly endpointUrl: string;
  readonly accessLog: logs.LogGroup;
  readonly resourcePolicy: ResourcePolicy;

  constructor(scope: Construct, id: string, props: LeaseApiProps) {
    super(scope, id);
    const vpcEndpointIds = props.endpoint.vpcEndpoints.map(({ vpcEndpointId }) => vpcEndpointId);
    this.resourcePolicy = new ResourcePolicy(props.consumers, Stack.of(this).account, vpcEndpointIds);
    this.accessLog = new logs.LogGroup(this, 'AccessLog', {
      retention: retentionOf(props.auditRetention),
      removalPolicy: props.removalPolicy,
      ...(props.logKey !== undefined && { encryptionKey: props.logKey }),
    });
    this.restApi = new apigateway.RestApi(this, 'RestApi', {
      restApiName: Names.uniqueResourceName(scope, { maxLength: 128, separator: '-' }),
      description: 'hublease: just-in-time Docker Hub tokens',
      endpointConfiguration: {
        types: [props.endpoint.type],
        ...(props.endpoint.vpcEndpoints.length > 0 && { vpcEndpoints: [...props.endpoint.vpcEndpoints] }),
      },
      // That role belongs to the whole account and region: see `ApiGatewayLogging`.
      cloudWatchRole: false,
      policy: this.resourcePolicy.document,
      defaultMethodOptions: { authorizationType: apigateway.AuthorizationType.IAM },
      deployOptions: {
        stageName: STAGE,
        accessLogDestination: new apigateway.LogGroupLogDestination(this.accessLog),
        accessLogFormat: ACCESS_LOG,
        ...(props.tracing && { tracingEnabled: true }),
        dataTraceEnabled: false,
        loggingLevel: apigateway.MethodLoggingLevel.OFF,
        // By method they would cost $0.30 a month each. The API's own metrics are free, and come without this.
        metricsEnabled: false,
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
    this.resourcePolicy.watchSize(this);
    this.acknowledge();
  }

  /** Where the API is, as ARNs name it. */
  get address(): ApiAddress {
    const { partition, region, account } = Stack.of(this);
    return { partition, region, accountId: account, apiId: this.restApi.restApiId };
  }

  /**
   * ARN of one operation, for IAM policies; what a path leaves open is `*`.
   *
   * @param path in place of the route's own, to name one of what it leaves open.
   */
  arnOf(route: Route, path?: string): string {
    return operationArn(this.address, route, path);
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

function methodThrottles({ mints }: Pick<Throttling, 'mints'>): Record<string, apigateway.MethodDeploymentOptions> {
  return Object.fromEntries(
    ROUTES.flatMap(({ operation, method, path }) => {
      const throttle = operation === 'mintLease' ? mints : METHOD_THROTTLES[operation];
      if (throttle === undefined) return [];
      const options = {
        // A method's own settings replace the stage's, also those that they leave out.
        dataTraceEnabled: false,
        loggingLevel: apigateway.MethodLoggingLevel.OFF,
        metricsEnabled: false,
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
