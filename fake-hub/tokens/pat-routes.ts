/** `/v2/access-tokens`: personal access tokens. */

import { type Answer, fieldsOf, type HubRequest, invalid, json } from '../answer.ts';
import type { Hub } from '../hub.ts';
import { managingSession } from '../login/session.ts';
import { refused } from '../refusals.ts';
import type { FakeHubSettings } from '../settings.ts';
import { deleteToken } from '../variations/deletes.ts';
import { keptExpiry } from '../variations/expiry-rules.ts';
import { readLabel } from '../variations/labels.ts';
import { canBeRead, listedTokens } from '../variations/listing.ts';
import { patExpiry, timeOrNone } from '../variations/no-time.ts';
import { pageOf } from './paging.ts';
import type { TokenRow } from './token-row.ts';

/** Docker Hub API reference, narrowest first: each scope implies those before it. */
export const PAT_SCOPES: readonly string[] = ['repo:public_read', 'repo:read', 'repo:write', 'repo:admin'];

/** Text seen in 2022, in the README of the PyPI client `pydockerhubapi`. */
const NEEDS_PLAN = 'not allowed to create a scoped personal access token with your current plan';

/** What stands for the client where a proxy rewrites its requests. */
const PROXY_USER_AGENT = 'egress-proxy/1.0';

export function createPat(hub: Hub, request: HubRequest): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const { token_label: sentLabel, scopes, expires_at: expiresAt } = fieldsOf(request.body);
  const label = readLabel(sentLabel, hub.settings);
  const expiry = keptExpiry(expiresAt, hub.nowMs(), hub.settings);
  const fields: Record<string, string[]> = {};
  if ('problem' in label) fields.token_label = [label.problem];
  if (!areScopes(scopes)) fields.scopes = [`must be one or more of ${PAT_SCOPES.join(', ')}`];
  if ('problem' in expiry) fields.expires_at = [expiry.problem];
  if ('problem' in label || !areScopes(scopes) || 'problem' in expiry) return invalid(fields);
  if ('refusal' in expiry) return expiry.refusal;
  if (hub.settings.scopedTokensNeedPlan && scopes.some((scope) => scope !== 'repo:admin')) {
    return refused(hub.settings, 403, NEEDS_PLAN);
  }
  const token = {
    kind: 'pat',
    account: session.account,
    label: label.label,
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
  } as const;
  const { row, value } = hub.tokens.create(token, hub.settings.tokenIdForm);
  return json(hub.settings.createStatus, { ...patBody(hub.settings, row), token: value });
}

export function listPats(hub: Hub, request: HubRequest): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const rows = listedTokens(hub, 'pat', session.account);
  const page = pageOf(request, rows, hub.settings);
  if ('status' in page) return page;
  return json(200, {
    count: page.total,
    next: page.next,
    previous: page.previous,
    active_count: rows.filter((row) => hub.isLive(row)).length,
    results: page.items.map((row) => patBody(hub.settings, row)),
  });
}

export function getPat(hub: Hub, request: HubRequest): Answer {
  return withPat(hub, request, (row) => (canBeRead(hub, row) ? json(200, patBody(hub.settings, row)) : notFound(hub)));
}

/** Takes `token_label` and `is_active`; anything else, `expires_at` above all, is not changed. */
export function updatePat(hub: Hub, request: HubRequest): Answer {
  return withPat(hub, request, (row, by) => {
    if (row.deletedAtMs !== undefined) return notFound(hub);
    const { token_label: sentLabel, is_active: isActive } = fieldsOf(request.body);
    const label = sentLabel === undefined ? undefined : readLabel(sentLabel, hub.settings);
    if (label !== undefined && 'problem' in label) return invalid({ token_label: [label.problem] });
    if (isActive !== undefined && typeof isActive !== 'boolean') return invalid({ is_active: ['must be a boolean'] });
    const change = { ...label, ...(isActive === undefined ? {} : { isActive }) };
    return json(200, patBody(hub.settings, hub.tokens.update(row, change, by, hub.nowMs())));
  });
}

export function deletePat(hub: Hub, request: HubRequest): Answer {
  return withPat(hub, request, (row, by) => deleteToken(hub, row, by), hub.settings.goneStatus);
}

function withPat(
  hub: Hub,
  request: HubRequest,
  work: (row: TokenRow, by: string) => Answer,
  goneStatus: FakeHubSettings['goneStatus'] = 404,
): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const row = hub.tokens.get('pat', session.account, request.params.id ?? '');
  return row === undefined ? notFound(hub, goneStatus) : work(row, session.account);
}

function notFound(hub: Hub, status: FakeHubSettings['goneStatus'] = 404): Answer {
  return refused(hub.settings, status, 'access token not found');
}

function areScopes(scopes: unknown): scopes is string[] {
  return Array.isArray(scopes) && scopes.length > 0 && scopes.every((scope) => PAT_SCOPES.includes(scope));
}

function patBody(settings: FakeHubSettings, row: TokenRow): Record<string, unknown> {
  const { noTimeForm, creatorUa, hiddenTokenForm } = settings;
  const userAgent = creatorUa === 'proxy' ? PROXY_USER_AGENT : row.creatorUserAgent;
  return {
    uuid: row.id,
    client_id: 'HUB',
    creator_ip: row.creatorIp,
    ...(creatorUa === 'absent' ? {} : { creator_ua: userAgent }),
    created_at: timeOrNone(row.odd === 'created-null' ? null : row.createdAtMs, noTimeForm),
    last_used: timeOrNone(row.lastUsedAtMs, noTimeForm),
    generated_by: 'manual',
    is_active: row.isActive,
    token: hiddenTokenForm === 'stars' ? '***' : '',
    token_label: row.odd === 'label-null' ? null : row.label,
    scopes: row.scopes,
    ...patExpiry(row.expiresAtMs, noTimeForm),
  };
}
