/** Requests and answers of the fake Docker Hub, as plain data, and the bodies Docker Hub's errors have. */

import type { IncomingHttpHeaders } from 'node:http';

export type LoginRoute = 'auth-token' | 'users-login';

/** Every route of Docker Hub that the fake plays; faults and call counters go by these names. */
export const ROUTE_NAMES = [
  'auth-token',
  'users-login',
  '2fa-login',
  'pat-create',
  'pat-list',
  'pat-get',
  'pat-update',
  'pat-delete',
  'oat-create',
  'oat-list',
  'oat-get',
  'oat-update',
  'oat-delete',
  'registry-token',
  'registry-ping',
  'registry-tags',
  'registry-manifest',
  'registry-blob',
] as const;

export type RouteName = (typeof ROUTE_NAMES)[number];

/** Whether a route is of Docker Hub's API. `auth.docker.io` and the registry are other hosts, with limits of their own. */
export function isApi(route: RouteName): boolean {
  return !route.startsWith('registry-');
}

export interface HubRequest {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined when there was none, or none that parses. */
  readonly body: unknown;
  /** The fields of a form; empty when there was none. */
  readonly form: URLSearchParams;
  readonly remoteIp: string;
  /** `http://127.0.0.1:PORT`, for absolute addresses in answers. */
  readonly baseUrl: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty: no body and no content type. */
  readonly body: string | Buffer;
}

export function json(status: number, value: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

export function empty(status: number): Answer {
  return { status, headers: {}, body: '' };
}

/** 400 of the token routes. */
export function invalid(fields: Readonly<Record<string, readonly string[]>>, text = 'validation failed'): Answer {
  return json(400, { fields, text });
}

/** A body as an object; anything else reads as an object without fields, so that every required one is missing. */
export function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {};
}
