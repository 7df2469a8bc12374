import { type Route, STAGE } from './route.ts';
import { ROUTES } from './routes.ts';

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

/** Names of secrets, in which `*` stands for anything. */
const SECRET_PATTERN = /^[a-z0-9*][a-z0-9*-]{0,31}(?:\/[a-z0-9*][a-z0-9*-]{0,31}){0,3}$/;
/** An endpoint as API Gateway names it. One of a custom domain tells neither id nor region. */
const ENDPOINT =
  /^https:\/\/([a-z0-9]{10})(?:-vpce-[a-z0-9]+)?\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?:\/v1)?\/?$/;

/** Says whether `text` names secrets as {@link consumerArns} takes them. */
export function isSecretPattern(text: string): boolean {
  return SECRET_PATTERN.test(text);
}

/** The API's id and region as its endpoint names them; undefined for an endpoint of another form. */
export function apiOfEndpoint(endpoint: string): { readonly apiId: string; readonly region: string } | undefined {
  const [, apiId, region] = ENDPOINT.exec(endpoint) ?? [];
  return apiId === undefined || region === undefined ? undefined : { apiId, region };
}

/** The partition that a region is in. */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
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
