import type { Target } from '../model/target.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { HubFacts, MintRefusal, SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';

/** Writers of one record are few: logins, low rates and these notes. */
const MAX_WRITES = 4;
/** How long a learned token limit of an organization counts. After that, its plan may have changed. */
const CAP_MS = 86_400_000;

type Ports = Pick<RevokePorts, 'sessions' | 'ids'>;

/** A member set to undefined is removed. */
type Change<T> = { [K in keyof T]?: T[K] | undefined };

/** Facts that hublease has learned about a target's Docker Hub. @throws Failed `store_unavailable`. */
export async function readFacts(ports: Pick<Ports, 'sessions'>, targetName: string): Promise<HubFacts> {
  return (await stored(ports.sessions.read(targetName)))?.facts ?? {};
}

/**
 * Changes a target's record, unless there is no record or no change. Retries after conflicting writes. Best effort: a lost change
 * is learned again.
 */
export async function noteInRecord(
  ports: Ports,
  targetName: string,
  changeOf: (record: SessionRecord) => Change<SessionRecord>,
): Promise<void> {
  try {
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      const record = await ports.sessions.read(targetName);
      if (record === undefined) return;
      const change = changeOf(record);
      if (Object.keys(change).length === 0) return;
      const merged = { ...record, ...change, version: record.version + 1, opId: ports.ids.opId() };
      if ((await ports.sessions.write(defined<SessionRecord>(merged))) === 'written') return;
    }
  } catch {
    // The next answer contains the fact again.
  }
}

/** Changes facts. A member that is set to undefined is removed. If the change itself is undefined, nothing changes. */
export async function noteFacts(
  ports: Ports,
  targetName: string,
  changeOf: (facts: HubFacts) => Change<HubFacts> | undefined,
): Promise<void> {
  await noteInRecord(ports, targetName, ({ facts = {} }) => {
    const change = changeOf(facts);
    return change === undefined ? {} : { facts: defined<HubFacts>({ ...facts, ...change }) };
  });
}

/**
 * Refuses mints of a target until a verification passes, and records this once. The refusal `list_lags` is not overwritten,
 * because it also prevents the list from giving a proof. Every verification checks all other reasons again.
 */
export async function refuseMints(
  ports: Ports & Pick<RevokePorts, 'audit' | 'clock'>,
  target: Pick<Target, 'name'>,
  code: MintRefusal,
): Promise<void> {
  const nowMs = ports.clock.nowMs();
  let isNew = false;
  await noteFacts(ports, target.name, ({ refusal }) => {
    isNew = refusal?.code !== code && refusal?.code !== 'list_lags';
    return isNew ? { refusal: { code, sinceMs: nowMs, triedAtMs: nowMs } } : undefined;
  });
  if (isNew) await ports.audit.record({ event: 'target.refused', atMs: nowMs, target: target.name, code });
}

/** The organization's token limit, if hublease has reached it and this is recent enough. */
export function capOf({ cap }: HubFacts, nowMs: number): number | undefined {
  return cap !== undefined && nowMs < cap.atMs + CAP_MS ? cap.tokens : undefined;
}

/** Without undefined members, because stores treat them differently. */
function defined<T extends object>(value: Change<T>): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
