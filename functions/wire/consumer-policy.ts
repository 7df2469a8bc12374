import { ROUTES, type Route, STAGE } from './routes.ts';

/** Where one installation's API is, as ARNs name it. Each part may be a placeholder in a text that people read. */
export interface ApiAddress {
  /** `aws`, `aws-cn` or `aws-us-gov`. */
  readonly partition: string;
  readonly region: string;
  /** The account of hublease, not of the consumer. */
  readonly accountId: string;
  /** What stands before `.execute-api` in the endpoint's URL. */
  readonly apiId: string;
}

/** An identity policy, in the form that IAM takes. */
export interface IdentityPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly IdentityStatement[];
}

export interface IdentityStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: 'execute-api:Invoke';
  readonly Resource: readonly string[];
}

/** The routes that consumers may be given. */
export const CALLER_ROUTES: readonly Route[] = ROUTES.filter(({ who }) => who === 'caller');

/** A path as IAM resources have it: each parameter is `*`, which also stands for `/`. */
export function openEnded(path: string): string {
  return path.replaceAll(/\{\w+\+?\}/g, '*');
}

/** The ARN of one operation. @param path names one path of those that the route leaves open. */
export function operationArn(api: ApiAddress, route: Route, path: string = route.path): string {
  const { partition, region, accountId, apiId } = api;
  return `arn:${partition}:execute-api:${region}:${accountId}:${apiId}/${STAGE}/${route.method}${openEnded(path)}`;
}

/**
 * The ARNs that a consumer's role needs: leases from the secrets named, and the other callers' routes.
 *
 * @param secrets names such as `ci/release`. `*` stands for anything: `ci/*`, or `*` for every secret.
 */
export function consumerArns(api: ApiAddress, secrets: readonly string[]): string[] {
  return CALLER_ROUTES.flatMap((route) =>
    route.operation === 'mintLease'
      ? secrets.map((secret) => operationArn(api, route, leasePath(secret)))
      : [operationArn(api, route)],
  );
}

/** The path that mints from one secret. */
export function leasePath(secret: string): string {
  return `/lease/${secret}`;
}

/** The identity policy that a consumer's role needs. @param secrets as for {@link consumerArns}. */
export function consumerPolicy(api: ApiAddress, secrets: readonly string[]): IdentityPolicy {
  return { Version: '2012-10-17', Statement: [consumerStatement(consumerArns(api, secrets))] };
}

export function consumerStatement(arns: readonly string[]): IdentityStatement {
  return { Sid: 'LeaseDockerHubTokens', Effect: 'Allow', Action: 'execute-api:Invoke', Resource: arns };
}
