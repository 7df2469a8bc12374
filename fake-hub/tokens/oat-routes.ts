/** `/v2/orgs/{org}/access-tokens`: organization access tokens. */

import { type Answer, fieldsOf, type HubRequest, invalid, json } from '../answer.ts';
import type { Hub, Organization } from '../hub.ts';
import { expiryText } from '../instant.ts';
import { managingSession } from '../login/session.ts';
import { refused } from '../refusals.ts';
import type { FakeHubSettings, NoTimeForm } from '../settings.ts';
import { deleteToken } from '../variations/deletes.ts';
import { keptExpiry } from '../variations/expiry-rules.ts';
import { readLabel } from '../variations/labels.ts';
import { canBeRead, listedTokens } from '../variations/listing.ts';
import { timeOrNone } from '../variations/no-time.ts';
import { readResources } from './oat-resources.ts';
import { pageOf } from './paging.ts';
import type { TokenRow } from './token-row.ts';

/** Docker's settings page takes 200 characters. */
const DESCRIPTION_MAX_CHARACTERS = 200;

interface Caller {
  readonly by: string;
  readonly name: string;
  readonly organization: Organization;
}

/** Docker does not document its answer at the cap; a 403 is within what the route documents. */
export function createOat(hub: Hub, request: HubRequest): Answer {
  return asOwner(hub, request, ({ by, name, organization }) => {
    const { label: sentLabel, description = '', resources: input, expires_at: expiresAt } = fieldsOf(request.body);
    const fields: Record<string, string[]> = {};
    const label = readLabel(sentLabel, hub.settings);
    if ('problem' in label) fields.label = [label.problem];
    const wrongDescription = descriptionProblem(description);
    if (wrongDescription !== undefined) fields.description = [wrongDescription];
    const reach = readResources(input, name, organization);
    if ('problem' in reach) fields.resources = [reach.problem];
    const expiry = keptExpiry(expiresAt, hub.nowMs(), hub.settings);
    if ('problem' in expiry) fields.expires_at = [expiry.problem];
    if ('problem' in label || 'problem' in reach || 'problem' in expiry || Object.keys(fields).length > 0) {
      return invalid(fields);
    }
    if ('refusal' in expiry) return expiry.refusal;
    // Expired and inactive tokens count until they are deleted.
    if (hub.tokens.of('oat', name).length >= organization.tokenCap) {
      return refused(hub.settings, 403, 'maximum number of organization access tokens reached');
    }
    const token = {
      kind: 'oat',
      account: name,
      label: label.label,
      description: String(description),
      scopes: [],
      resources: reach.resources,
      createdAtMs: hub.nowMs(),
      expiresAtMs: expiry.atMs,
      isActive: true,
      createdBy: by,
      creatorIp: request.remoteIp,
      creatorUserAgent: request.headers['user-agent'] ?? '',
      foreign: false,
    } as const;
    const { row, value } = hub.tokens.create(token, hub.settings.tokenIdForm);
    const { created_by: _, ...body } = oatBody(hub.settings.noTimeForm, row);
    return json(hub.settings.createStatus, {
      ...body,
      token: value,
      resources: row.resources,
      description: row.description,
    });
  });
}

export function listOats(hub: Hub, request: HubRequest): Answer {
  return asOwner(hub, request, ({ name }) => {
    const page = pageOf(request, listedTokens(hub, 'oat', name), hub.settings);
    if ('status' in page) return page;
    return json(200, {
      total: page.total,
      next: page.next,
      previous: page.previous,
      results: page.items.map((row) => oatBody(hub.settings.noTimeForm, row)),
    });
  });
}

export function getOat(hub: Hub, request: HubRequest): Answer {
  return withOat(hub, request, (row) =>
    canBeRead(hub, row)
      ? json(200, { ...oatBody(hub.settings.noTimeForm, row), resources: row.resources })
      : notFound(hub),
  );
}

/** Takes `label`, `description`, `resources` and `is_active`. */
export function updateOat(hub: Hub, request: HubRequest): Answer {
  return withOat(hub, request, (row, { by, name, organization }) => {
    if (row.deletedAtMs !== undefined) return notFound(hub);
    const { label: sentLabel, description, resources: input, is_active: isActive } = fieldsOf(request.body);
    const label = sentLabel === undefined ? undefined : readLabel(sentLabel, hub.settings);
    if (label !== undefined && 'problem' in label) return invalid({ label: [label.problem] });
    const wrongDescription = description === undefined ? undefined : descriptionProblem(description);
    if (wrongDescription !== undefined) return invalid({ description: [wrongDescription] });
    if (isActive !== undefined && typeof isActive !== 'boolean') return invalid({ is_active: ['must be a boolean'] });
    const reach = readResources(input, name, organization);
    if ('problem' in reach) return invalid({ resources: [reach.problem] });
    const change = {
      ...label,
      ...(description === undefined ? {} : { description: String(description) }),
      ...(input === undefined ? {} : { resources: reach.resources }),
      ...(isActive === undefined ? {} : { isActive }),
    };
    const changed = hub.tokens.update(row, change, by, hub.nowMs());
    return json(200, { ...oatBody(hub.settings.noTimeForm, changed), resources: changed.resources });
  });
}

export function deleteOat(hub: Hub, request: HubRequest): Answer {
  return withOat(hub, request, (row, { by }) => deleteToken(hub, row, by), hub.settings.goneStatus);
}

function asOwner(hub: Hub, request: HubRequest, work: (caller: Caller) => Answer): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const name = (request.params.organization ?? '').toLowerCase();
  const organization = hub.organizations.get(name);
  if (organization === undefined || hub.settings.lostRole) return refused(hub.settings, 404, 'organization not found');
  if (!organization.owners.has(session.account)) return refused(hub.settings, 403, 'access denied');
  return work({ by: session.account, name, organization });
}

function withOat(
  hub: Hub,
  request: HubRequest,
  work: (row: TokenRow, caller: Caller) => Answer,
  goneStatus: FakeHubSettings['goneStatus'] = 404,
): Answer {
  return asOwner(hub, request, (caller) => {
    const row = hub.tokens.get('oat', caller.name, request.params.id ?? '');
    return row === undefined ? notFound(hub, goneStatus) : work(row, caller);
  });
}

function notFound(hub: Hub, status: FakeHubSettings['goneStatus'] = 404): Answer {
  return refused(hub.settings, status, 'access token not found');
}

function descriptionProblem(description: unknown): string | undefined {
  if (typeof description !== 'string') return 'must be a string';
  return [...description].length > DESCRIPTION_MAX_CHARACTERS
    ? `must have at most ${DESCRIPTION_MAX_CHARACTERS} characters`
    : undefined;
}

function oatBody(noTimeForm: NoTimeForm, row: TokenRow): Record<string, unknown> {
  return {
    id: row.id,
    label: row.odd === 'label-null' ? null : row.label,
    created_by: row.createdBy,
    is_active: row.isActive,
    created_at: timeOrNone(row.odd === 'created-null' ? null : row.createdAtMs, noTimeForm),
    expires_at: timeOrNone(row.expiresAtMs, noTimeForm, expiryText),
    last_used_at: timeOrNone(row.lastUsedAtMs, noTimeForm),
  };
}
