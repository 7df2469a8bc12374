import type { Target, Verification } from '../../functions/core/model/target.ts';
import type { HubFacts, SessionRecord } from '../../functions/core/ports/sessions.ts';
import { CANARY } from './canary.ts';
import type { PlannedTarget } from './plan.ts';
import { firstPassword } from './ports/accounts.ts';
import type { Stores } from './ports/wired.ts';

export const ROLE = 'arn:aws:iam::111122223333:role/ci';
/** As API Gateway states it for a session of the role. */
export const ROLE_SESSION_ID = 'AROADBQP57FF2AEXAMPLE:build-7';
const HOUR_MS = 3_600_000;

/** Puts a target, its credential and its secret where an admin would have put them before the history begins. */
export function furnish(stores: Stores, planned: PlannedTarget, secondFactor: boolean, nowMs: number): void {
  const { name, username, organization, secret, renewable, maxActive } = planned;
  const password = firstPassword(username);
  const credential = { username, password, ...(secondFactor && { totpSecret: `${CANARY}-totp` }) };
  const credentialVersion = stores.credentials.stage(name, credential);
  stores.credentials.promote(name, credentialVersion);
  const row = {
    schema: 1,
    version: 1,
    opId: 'first',
    tags: {},
    status: 'ready',
    managedBy: 'api',
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  } as const;
  const target: Target = {
    ...row,
    name,
    kind: organization === undefined ? 'user' : 'org',
    username,
    ...(organization !== undefined && { organization }),
    ...(planned.allowUnprovenExpiry === true && { allowUnprovenExpiry: true }),
    loginRoute: secondFactor ? 'users-login' : 'auth-token',
    expiryGranularity: 'second',
  };
  const verification = verificationOf(target, planned, nowMs);
  stores.catalog.putTarget({ ...target, ...(verification !== undefined && { verification }) });
  const record = recordOf(planned, nowMs);
  if (record !== undefined) stores.sessions.write(record);
  stores.catalog.putSecret({
    ...row,
    name: secret,
    target: name,
    ...(organization === undefined
      ? { scope: 'repo:write' as const }
      : { resources: [{ type: 'TYPE_REPO' as const, path: `${organization}/app`, scopes: ['scope-image-pull'] }] }),
    defaultTtlSeconds: 300,
    maxTtlSeconds: 3_600,
    renewable: renewable ?? false,
    ...(maxActive !== undefined && { maxActive }),
    allow: [ROLE],
    deleteProtection: false,
  });
}

/** What a verification has learned of a Docker Hub as it is documented, but for what the plan says. */
function verificationOf(
  { kind, username, loginRoute }: Target,
  { verified = {} }: PlannedTarget,
  atMs: number,
): Verification | undefined {
  if (verified === null) return undefined;
  return {
    atMs,
    account: username,
    loginRoute,
    expiryGranularity: 'second',
    expirySlackSeconds: 0,
    labelMaxCharacters: 100,
    ...(kind === 'user' && { creatorUserAgentKept: true }),
    deleteStatus: 204,
    listDelayMs: 0,
    ...verified,
  };
}

/** The target's session record, where use has taught something: by a verification that waited, or by a mint that was refused. */
function recordOf({ name, refusedFor, measuredLagMs }: PlannedTarget, nowMs: number): SessionRecord | undefined {
  if (refusedFor === undefined && measuredLagMs === undefined) return undefined;
  const sinceMs = nowMs - HOUR_MS;
  const facts: HubFacts = {
    ...(measuredLagMs !== undefined && { listLagMs: measuredLagMs }),
    ...(refusedFor !== undefined && { refusal: { code: refusedFor, sinceMs, triedAtMs: sinceMs } }),
  };
  return { target: name, version: 1, opId: 'first', facts };
}
