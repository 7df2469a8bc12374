import { type AuditEvent, auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import type { DynamicSecret, ManagedBy } from '../model/secret.ts';
import type { Target } from '../model/target.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { WriteOutcome } from '../ports/leases.ts';
import type { AdminPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';

/** The common parts of targets and secrets: how their rows are written, drained, removed and audited. */

type Detail = NonNullable<AuditEvent['detail']>;

/** A row of the catalog. */
type Entry = Target | DynamicSecret;

/** The differences between targets and secrets. */
export interface EntryKind<E extends Entry> {
  readonly noun: 'target' | 'secret';
  /** The entry's name, in an audit event and in the count of open leases. */
  named(name: string): { readonly target: string } | { readonly secret: string };
  put(catalog: Pick<Catalog, 'putTarget' | 'putSecret'>, entry: E): Promise<WriteOutcome>;
  /** Removes a draining entry that no open lease needs. Returns whether it did. */
  removeDrained(ports: AdminPorts, entry: E): Promise<boolean>;
  /** The audit detail of a change; `after` is absent for a deletion. */
  detail(before: E | undefined, after: E | undefined, changed?: readonly string[]): Detail;
}

/** Who may change an entry. */
export interface ByOwner {
  /** Default: `api`. */
  readonly managedBy?: ManagedBy;
}

/** @throws Failed `managed_by_cdk` if the entry has another owner. */
export function checkOwner(entry: Pick<Entry, 'name' | 'managedBy'>, { managedBy = 'api' }: ByOwner): void {
  if (entry.managedBy !== managedBy) throw fail({ tag: 'managed_by_cdk', name: entry.name });
}

/** Writes the next version of an entry. @throws Failed `version_conflict`, `store_unavailable`. */
export async function writeEntry<E extends Entry>(
  ports: { readonly catalog: Pick<Catalog, 'putTarget' | 'putSecret'> },
  kind: Pick<EntryKind<E>, 'put'>,
  entry: E,
): Promise<void> {
  if ((await stored(kind.put(ports.catalog, entry))) === 'written') return;
  throw fail({ tag: 'version_conflict', name: entry.name });
}

/** Writes the audit event of a changed entry. */
export function recordChanged<E extends Entry>(
  ports: Pick<AdminPorts, 'audit' | 'clock'>,
  origin: Origin,
  kind: EntryKind<E>,
  change: { readonly before: E | undefined; readonly after: E; readonly changed: readonly string[] },
): Promise<unknown> {
  const { before, after, changed } = change;
  return record(ports, origin, kind, 'changed', after.name, kind.detail(before, after, changed));
}

/** The result of a deletion. */
export interface Deletion<E> {
  /** Whether the entry is already gone. */
  readonly removed: boolean;
  readonly openLeases: number;
  /** The entry, draining or as it was before it was removed. */
  readonly entry: E;
}

/**
 * Deletes an entry. Marks it draining, so that it gives no more leases, and removes it if no lease is open. With `force`, open
 * leases run to their end, and then the sweep removes it.
 *
 * @throws Failed `open_leases` without `force`, and then the entry is as before; `version_conflict`, `store_unavailable`.
 */
export async function deleteEntry<E extends Entry>(
  ports: AdminPorts,
  origin: Origin,
  kind: EntryKind<E>,
  entry: E,
  force: boolean,
): Promise<Deletion<E>> {
  const { name } = entry;
  const draining = await mark(ports, kind, entry, 'draining');
  const openLeases = await stored(ports.leases.countOpen(kind.named(name)));
  if (openLeases > 0 && !force) {
    await mark(ports, kind, draining, entry.status);
    throw fail({ tag: 'open_leases', name, count: openLeases });
  }
  const removed = await stored(kind.removeDrained(ports, draining));
  await record(ports, origin, kind, 'deleted', name, kind.detail(entry, undefined));
  return { removed, openLeases, entry: draining };
}

async function mark<E extends Entry>(
  ports: AdminPorts,
  kind: EntryKind<E>,
  entry: E,
  status: Entry['status'],
): Promise<E> {
  const marked = withStatus(ports, entry, status);
  await writeEntry(ports, kind, marked);
  return marked;
}

/** The next version of an entry, with another status. */
export function withStatus<E extends Entry>(
  ports: Pick<AdminPorts, 'clock' | 'ids'>,
  entry: E,
  status: Entry['status'],
): E {
  const updatedAtMs = ports.clock.nowMs();
  return { ...entry, status, updatedAtMs, version: entry.version + 1, opId: ports.ids.opId() };
}

async function record<E extends Entry>(
  ports: Pick<AdminPorts, 'audit' | 'clock'>,
  origin: Origin,
  kind: EntryKind<E>,
  what: 'changed' | 'deleted',
  name: string,
  detail: Detail,
): Promise<void> {
  const atMs = ports.clock.nowMs();
  await ports.audit.record({
    event: `${kind.noun}.${what}`,
    atMs,
    ...auditOrigin(origin),
    ...kind.named(name),
    detail,
  });
}
