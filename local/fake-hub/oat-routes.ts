/** `/v2/orgs/{org}/access-tokens`: organization access tokens. */

import { type Answer, empty, fieldsOf, type HubRequest, invalid, json, refused } from './answer.ts';
import type { Hub, Organization } from './hub.ts';
import { expiryText, microsecondText, readExpiry } from './instant.ts';
import { readResources } from './oat-resources.ts';
import { pageOf } from './paging.ts';
import { labelProblem } from './pat-routes.ts';
import { managingSession } from './session.ts';
import type { TokenRow } from './tokens.ts';

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
    const { label, description = '', resources: input, expires_at: expiresAt } = fieldsOf(request.body);
    const fields: Record<string, string[]> = {};
    const wrongLabel = labelProblem(label);
    if (wrongLabel !== undefined) fields.label = [wrongLabel];
    const wrongDescription = descriptionProblem(description);
    if (wrongDescription !== undefined) fields.description = [wrongDescription];
    const reach = readResources(input, name, organization);
    if ('problem' in reach) fields.resources = [reach.problem];
    const expiry = readExpiry(expiresAt, hub.nowMs(), hub.settings.expiryGranularity);
    if ('problem' in expiry) fields.expires_at = [expiry.problem];
    if ('problem' in reach || 'problem' in expiry || Object.keys(fields).length > 0) return invalid(fields);
    // Expired and inactive tokens count until they are deleted.
    if (hub.tokens.of('oat', name).length >= organization.tokenCap) {
      return refused(403, 'maximum number of organization access tokens reached');
    }
    const { row, value } = hub.tokens.create({
      kind: 'oat',
      account: name,
      label: String(label),
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
    });
    const { created_by: _, ...body } = oatBody(row);
    return json(201, { ...body, token: value, resources: row.resources, description: row.description });
  });
}

export function listOats(hub: Hub, request: HubRequest): Answer {
  return asOwner(hub, request, ({ name }) => {
    const page = pageOf(request, hub.tokens.of('oat', name), hub.settings.maxPageSize);
    if ('status' in page) return page;
    return json(200, {
      total: page.total,
      next: page.next,
      previous: page.previous,
      results: page.items.map(oatBody),
    });
  });
}

export function getOat(hub: Hub, request: HubRequest): Answer {
  return withOat(hub, request, (row) => json(200, { ...oatBody(row), resources: row.resources }));
}

/** Takes `label`, `description`, `resources` and `is_active`. */
export function updateOat(hub: Hub, request: HubRequest): Answer {
  return withOat(hub, request, (row, { by, name, organization }) => {
    const { label, description, resources: input, is_active: isActive } = fieldsOf(request.body);
    const wrongLabel = label === undefined ? undefined : labelProblem(label);
    if (wrongLabel !== undefined) return invalid({ label: [wrongLabel] });
    const wrongDescription = description === undefined ? undefined : descriptionProblem(description);
    if (wrongDescription !== undefined) return invalid({ description: [wrongDescription] });
    if (isActive !== undefined && typeof isActive !== 'boolean') return invalid({ is_active: ['must be a boolean'] });
    const reach = readResources(input, name, organization);
    if ('problem' in reach) return invalid({ resources: [reach.problem] });
    const change = {
      ...(label === undefined ? {} : { label: String(label) }),
      ...(description === undefined ? {} : { description: String(description) }),
      ...(input === undefined ? {} : { resources: reach.resources }),
      ...(isActive === undefined ? {} : { isActive }),
    };
    const changed = hub.tokens.update(row, change, by, hub.nowMs());
    return json(200, { ...oatBody(changed), resources: changed.resources });
  });
}

export function deleteOat(hub: Hub, request: HubRequest): Answer {
  return withOat(hub, request, (row, { by }) => {
    hub.tokens.remove(row, by, hub.nowMs());
    return empty(hub.settings.deleteStatus);
  });
}

function asOwner(hub: Hub, request: HubRequest, work: (caller: Caller) => Answer): Answer {
  const session = managingSession(hub, request);
  if ('status' in session) return session;
  const name = (request.params.organization ?? '').toLowerCase();
  const organization = hub.organizations.get(name);
  if (organization === undefined) return refused(404, 'organization not found');
  if (!organization.owners.has(session.account)) return refused(403, 'access denied');
  return work({ by: session.account, name, organization });
}

function withOat(hub: Hub, request: HubRequest, work: (row: TokenRow, caller: Caller) => Answer): Answer {
  return asOwner(hub, request, (caller) => {
    const row = hub.tokens.get('oat', caller.name, request.params.id ?? '');
    return row === undefined ? refused(404, 'access token not found') : work(row, caller);
  });
}

function descriptionProblem(description: unknown): string | undefined {
  if (typeof description !== 'string') return 'must be a string';
  return [...description].length > DESCRIPTION_MAX_CHARACTERS
    ? `must have at most ${DESCRIPTION_MAX_CHARACTERS} characters`
    : undefined;
}

function oatBody(row: TokenRow): Record<string, unknown> {
  return {
    id: row.id,
    label: row.label,
    created_by: row.createdBy,
    is_active: row.isActive,
    created_at: microsecondText(row.createdAtMs),
    expires_at: row.expiresAtMs === null ? null : expiryText(row.expiresAtMs),
    last_used_at: row.lastUsedAtMs === null ? null : microsecondText(row.lastUsedAtMs),
  };
}
