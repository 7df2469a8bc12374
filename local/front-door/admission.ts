import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { Failed } from '../../functions/core/model/failure.ts';
import { STAGE } from '../../functions/wire/route.ts';
import { type OwnRequests, refusalOfForeign } from './own-requests.ts';
import type { Profile } from './profiles.ts';
import { type MatchedRoute, proxyEvent, UNMATCHED_RESOURCE } from './proxy-event.ts';
import { detailOf } from './refusal.ts';
import { BODY_MAX_BYTES } from './request-body.ts';
import { parseQuery, verifySignature } from './sigv4.ts';

/** More headers than any AWS client sends. */
const HEADERS_MAX_COUNT = 100;

/** What the door says of requests that it lets nobody see; of a denied one, after who it is. */
export const DOOR_DETAILS = {
  too_many_headers: `The request has more than ${HEADERS_MAX_COUNT} headers.`,
  body_too_large: `The body is larger than ${BODY_MAX_BYTES} bytes.`,
  missing_authentication_token: `There is nothing here: every path of this API begins with /${STAGE}/.`,
  access_denied: `may use the callers' routes only. Sign with the profile hublease-admin for /${STAGE}/admin.`,
} as const;

/** Denied to callers' profiles even where no route matches, as an IAM policy on paths would. */
const ADMIN_PATH = new RegExp(`^/${STAGE}/admin(/|$)`, 'i');

/**
 * Finds the route; `rawPath` has the stage. Without one (undefined, or Failed `path_not_canonical`) the request is let in all the
 * same: the handler's answer says what is wrong with it.
 */
export type FindRoute = (method: string, rawPath: string) => MatchedRoute | undefined;

/** What requests are judged by. */
export interface Rules {
  readonly profiles: readonly Profile[];
  readonly route: FindRoute;
  readonly own: OwnRequests;
}

/** A request as it arrived, read to its end. */
export interface Arrived {
  readonly req: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders' | 'socket'>;
  /** Undefined when it was too large. */
  readonly body: Buffer | undefined;
  readonly requestId: string;
  readonly atMs: number;
}

/** What the log may say of a request, refused or not. */
interface Context {
  readonly profile?: string;
  /** The matched route's resource. */
  readonly resource?: string;
}

export interface Refused extends Context {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export interface Admitted extends Context {
  /** As API Gateway hands it to the handler. */
  readonly event: APIGatewayProxyEvent;
}

/** Lets a request in or refuses it, as API Gateway and IAM would. */
export function admit({ req, body, requestId, atMs }: Arrived, { profiles, route, own }: Rules): Admitted | Refused {
  const { method = '', url = '' } = req;
  const [rawPath = '', ...rest] = url.split('?');
  const rawQuery = rest.join('?');
  const headers = headerPairs(req.rawHeaders);
  if (headers.length > HEADERS_MAX_COUNT) return refuse(431, 'too_many_headers');
  if (body === undefined) return refuse(413, 'body_too_large');
  if (!rawPath.startsWith(`/${STAGE}/`)) return refuse(403, 'missing_authentication_token');

  const byName = byLowerCaseName(headers);
  const verdict = verifySignature({
    method,
    rawPath,
    rawQuery,
    headers: byName,
    body,
    nowMs: atMs,
    lookup: (accessKeyId) => profiles.find((each) => each.accessKeyId === accessKeyId)?.secretAccessKey,
  });
  if (!verdict.ok) return { status: 403, code: verdict.reason, detail: detailOf(verdict) };
  const profile = profiles.find(({ accessKeyId }) => accessKeyId === verdict.accessKeyId);
  const query = parseQuery(rawQuery);
  const host = byName.get('host')?.[0];
  if (profile === undefined || query === undefined || host === undefined) {
    throw new Error('a verified request has a profile, a query and a host');
  }
  const foreign = refusalOfForeign({ host, signedAtMs: verdict.signedAtMs }, own, atMs);
  if (foreign !== undefined) {
    return { status: 403, code: foreign.reason, detail: detailOf(foreign), profile: profile.name };
  }
  const matched = findRoute(route, method, rawPath);
  const context = { profile: profile.name, resource: matched?.resource ?? UNMATCHED_RESOURCE };
  if (!profile.mayAdminister && (matched?.admin === true || ADMIN_PATH.test(rawPath))) {
    return {
      status: 403,
      code: 'access_denied',
      detail: `${profile.userArn} ${DOOR_DETAILS.access_denied}`,
      ...context,
    };
  }
  const event = proxyEvent({
    requestId,
    atMs,
    method,
    rawPath,
    query,
    headers,
    body,
    sourceIp: req.socket.remoteAddress ?? '127.0.0.1',
    profile,
    ...(matched === undefined ? {} : { route: matched }),
  });
  return { event, ...context };
}

function refuse(status: number, code: Exclude<keyof typeof DOOR_DETAILS, 'access_denied'>): Refused {
  return { status, code, detail: DOOR_DETAILS[code] };
}

function findRoute(route: FindRoute, method: string, rawPath: string): MatchedRoute | undefined {
  try {
    return route(method, rawPath);
  } catch (error) {
    if (error instanceof Failed && error.failure.tag === 'path_not_canonical') return undefined;
    throw error;
  }
}

function headerPairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []));
}

function byLowerCaseName(pairs: readonly [string, string][]): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(pairs, ([name]) => name.toLowerCase());
  return new Map([...groups].map(([name, group]) => [name, group.map(([, value]) => value)]));
}
