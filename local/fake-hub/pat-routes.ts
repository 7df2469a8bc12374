/** `/v2/access-tokens`: personal access tokens. */

import { type Answer, empty, fieldsOf, type HubRequest, invalid, json, refused } from './answer.ts';
import type { Hub } from './hub.ts';
import { expiryText, microsecondText, readExpiry } from './instant.ts';
import { pageOf } from './paging.ts';
import { managingSession } from './session.ts';
import type { TokenRow } from './tokens.ts';

/** Docker Hub API reference, narrowest first: each scope implies those before it. */
export const PAT_SCOPES: readonly string[] = ['repo:public_read', 'repo:read', 'repo:write', 'repo:admin'];

/** Docker Hub API reference: `token_label` has 1 to 100 characters. */
export const LABEL_MAX_CHARACTERS = 100;

/** Says what is wrong with a label, or nothing. */
export function labelProblem(label: unknown): string | undefined {
  if (typeof label !== 'string') return 'must be a string';
  const length = [...label].length;
  return length < 1 || length > LABEL_MAX_CHARACTERS ? `must have 1 to ${LABEL_MAX_CHARACTERS} characters` : undefined;
}

export function createPat(hub: Hub, request: HubRequest): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const { token_label: label, scopes, expires_at: expiresAt } = fieldsOf(request.body);
  const fields: Record<string, string[]> = {};
  const wrongLabel = labelProblem(label);
  if (wrongLabel !== undefined) fields.token_label = [wrongLabel];
  if (!areScopes(scopes)) fields.scopes = [`must be one or more of ${PAT_SCOPES.join(', ')}`];
  const expiry = readExpiry(expiresAt, hub.nowMs(), hub.settings.expiryGranularity);
  if ('problem' in expiry) fields.expires_at = [expiry.problem];
  if (typeof label !== 'string' || !areScopes(scopes) || 'problem' in expiry || Object.keys(fields).length > 0) {
    return invalid(fields);
  }
  const { row, value } = hub.tokens.create({
    kind: 'pat',
    account: session.account,
    label,
    description: '',
    scopes: [...new Set(scopes)],
    resources: [],
    createdAtMs: hub.nowMs(),
    expiresAtMs: expiry.atMs,
    isActive: true,
    createdBy: session.account,
    creatorIp: request.remoteIp,
    creatorUserAgent: request.headers['user-agent'] ?? '',
    foreign: false,
  });
  return json(201, patBody(hub, row, value));
}

export function listPats(hub: Hub, request: HubRequest): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const rows = hub.tokens.of('pat', session.account);
  const page = pageOf(request, rows, hub.settings.maxPageSize);
  if ('status' in page) return page;
  return json(200, {
    count: page.total,
    next: page.next,
    previous: page.previous,
    active_count: rows.filter((row) => hub.isLive(row)).length,
    results: page.items.map((row) => patBody(hub, row, '')),
  });
}

export function getPat(hub: Hub, request: HubRequest): Answer {
  return withPat(hub, request, (row) => json(200, patBody(hub, row, '')));
}

/** Takes `token_label` and `is_active`; anything else, `expires_at` above all, is not changed. */
export function updatePat(hub: Hub, request: HubRequest): Answer {
  return withPat(hub, request, (row, by) => {
    const { token_label: label, is_active: isActive } = fieldsOf(request.body);
    const wrongLabel = label === undefined ? undefined : labelProblem(label);
    if (wrongLabel !== undefined) return invalid({ token_label: [wrongLabel] });
    if (isActive !== undefined && typeof isActive !== 'boolean') return invalid({ is_active: ['must be a boolean'] });
    const change = {
      ...(typeof label === 'string' ? { label } : {}),
      ...(isActive === undefined ? {} : { isActive }),
    };
    return json(200, patBody(hub, hub.tokens.update(row, change, by, hub.nowMs()), ''));
  });
}

export function deletePat(hub: Hub, request: HubRequest): Answer {
  return withPat(hub, request, (row, by) => {
    hub.tokens.remove(row, by, hub.nowMs());
    return empty(hub.settings.deleteStatus);
  });
}

function withPat(hub: Hub, request: HubRequest, work: (row: TokenRow, by: string) => Answer): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const row = hub.tokens.get('pat', session.account, request.params.id ?? '');
  return row === undefined ? refused(404, 'access token not found') : work(row, session.account);
}

function areScopes(scopes: unknown): scopes is string[] {
  return Array.isArray(scopes) && scopes.length > 0 && scopes.every((scope) => PAT_SCOPES.includes(scope));
}

function patBody(hub: Hub, row: TokenRow, token: string): Record<string, unknown> {
  const expiry =
    row.expiresAtMs !== null
      ? { expires_at: expiryText(row.expiresAtMs) }
      : hub.settings.noTimeForm === 'empty'
        ? { expires_at: '' }
        : {};
  return {
    uuid: row.id,
    client_id: 'HUB',
    creator_ip: row.creatorIp,
    creator_ua: row.creatorUserAgent,
    created_at: microsecondText(row.createdAtMs),
    last_used: row.lastUsedAtMs === null ? null : microsecondText(row.lastUsedAtMs),
    generated_by: 'manual',
    is_active: row.isActive,
    token,
    token_label: row.label,
    scopes: row.scopes,
    ...expiry,
  };
}
