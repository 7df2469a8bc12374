import { expect } from 'vitest';
import { ACCOUNT, type Edition, type LeaseView, leased, listAll, ours } from '../local/harness.ts';
import { type Load, loadUntil } from './load.ts';

/** Puts tokens of others on the fake, and some whose labels are all but ours. Returns their ids. */
export function putForeignTokens({ hub }: Pick<Edition, 'hub'>, label: string): readonly string[] {
  const [version, installation = '', leaseId = '', tail = ''] = label.split(':');
  const [keyId, mac = ''] = tail.split('.');
  const other = (character: string | undefined) => (character === 'a' ? 'b' : 'a');
  const labels = [
    'my laptop',
    `${version}:${installation}`,
    // One character of the MAC changed, at either end; cut; and one too many.
    `${version}:${installation}:${leaseId}:${keyId}.${other(mac[0])}${mac.slice(1)}`,
    `${version}:${installation}:${leaseId}:${keyId}.${mac.slice(0, -1)}${other(mac.at(-1))}`,
    `${version}:${installation}:${leaseId}:${keyId}.${mac.slice(0, -1)}`,
    `${version}:${installation}:${leaseId}:${keyId}.`,
    `${label}x`,
    // The MAC of one label under another lease, installation, key or version.
    `${version}:${installation}:${leaseId.slice(0, -1)}${leaseId.endsWith('0') ? '1' : '0'}:${tail}`,
    `${version}:${installation.slice(0, -1)}${other(installation.at(-1))}:${leaseId}:${tail}`,
    `${version}:${installation}:${leaseId}:zz.${mac}`,
    `hl2:${installation}:${leaseId}:${tail}`,
    ` ${label}`,
    label.toUpperCase(),
  ];
  const onSameAccount = labels.map((each) =>
    hub.control.createForeignToken({ account: ACCOUNT.username, kind: 'pat', label: each }),
  );
  // The very label, copied to another account: its MAC does not hold there.
  const elsewhere = hub.control.createForeignToken({ account: 'somebody', kind: 'pat', label });
  return [...onSameAccount, elsewhere].map(({ id }) => id);
}

/** Waits until all that was leased has ended. */
export async function untilQuiet(edition: Pick<Edition, 'hub' | 'ci'>): Promise<void> {
  await loadUntil('no token of ours is left', () => ours(edition.hub).every(({ deleted }) => deleted));
  await loadUntil('every lease whose token was known is revoked', async () =>
    (await listAll(edition.ci)).every(({ status, tokenId }) => status === 'revoked' || tokenId === undefined),
  );
}

/** What need not hold. */
export interface Allowances {
  /** Leases whose end may have been moved for another reason than that their owner asked. */
  readonly mayEndEarly?: (lease: LeaseView) => boolean;
  /** Instants whose writes the disk may have forgotten though it said that it had them. */
  readonly mayBeForgotten?: (atMs: number) => boolean;
}

/**
 * Checks what must hold whatever has failed, once all is quiet: nothing of others was touched; each answered lease is on record
 * as it was answered, and each token has its lease; nobody's token was taken early; what reads revoked was proven; Docker Hub
 * refused no login.
 *
 * @param foreign tokens of others, by id.
 */
export async function expectKept(
  edition: Pick<Edition, 'hub' | 'ci'>,
  load: Pick<Load, 'answered' | 'revokeAsked'>,
  foreign: readonly string[],
  { mayEndEarly = () => false, mayBeForgotten = () => false }: Allowances = {},
): Promise<void> {
  const { control } = edition.hub;
  expect(control.patches()).toEqual([]);
  expect(control.deletions().filter((deletion) => deletion.foreign)).toEqual([]);
  const live = new Set(control.tokens().flatMap((token) => (token.live ? [token.id] : [])));
  expect(foreign.filter((id) => !live.has(id))).toEqual([]);

  const onRecord = new Map((await listAll(edition.ci)).map((each) => [each.id, each]));
  for (const each of load.answered) {
    const { id, tokenId, expiresAt, issuedAt } = each;
    if (mayBeForgotten(Date.parse(issuedAt))) continue;
    expect(onRecord.get(id)).toMatchObject({ tokenId, ...(!mayEndEarly(each) && { expiresAt }) });
  }
  for (const token of leased(edition.hub)) {
    if (!mayBeForgotten(token.createdAtMs)) expect([...onRecord.keys()]).toContain(token.label.split(':')[2]);
  }
  expect(ours(edition.hub).filter(({ expiresAtMs }) => expiresAtMs === null)).toEqual([]);

  const deletedAtMs = deletionTimes(edition);
  const early = load.answered.filter(
    (each) =>
      !load.revokeAsked.has(each.id) &&
      !mayEndEarly(each) &&
      !mayBeForgotten(Date.parse(each.issuedAt)) &&
      (deletedAtMs.get(each.tokenId ?? '') ?? 0) < Date.parse(each.expiresAt),
  );
  expect(early).toEqual([]);
  for (const { status, evidence } of onRecord.values()) expect(evidence !== undefined).toBe(status === 'revoked');
  expect(control.calls().logins[ACCOUNT.username]?.failed).toBe(0);
}

/** The longest that a token which was answered lived past its lease, from when it was made. */
export function longestOverdueMs(edition: Pick<Edition, 'hub'>, load: Pick<Load, 'answered'>): number {
  const deletedAtMs = deletionTimes(edition);
  const madeAtMs = new Map(ours(edition.hub).map(({ id, createdAtMs }) => [id, createdAtMs]));
  const overdueMs = load.answered.map(({ tokenId = '', ttlSeconds }) => {
    return (deletedAtMs.get(tokenId) ?? Number.POSITIVE_INFINITY) - (madeAtMs.get(tokenId) ?? 0) - ttlSeconds * 1_000;
  });
  return Math.max(...overdueMs);
}

/** When each token was deleted, by its id. */
function deletionTimes({ hub }: Pick<Edition, 'hub'>): ReadonlyMap<string, number> {
  return new Map(hub.control.deletions().map(({ id, atMs }) => [id, atMs]));
}
