import type { Target } from '../model/target.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { HubFacts, MintRefusal, SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';

/** Writers of one record are few: logins, low rates and these notes. */
const MAX_WRITES = 4;
/** How long an organization's cap is believed. Its plan may have changed by then. */
const CAP_MS = 86_400_000;

type Ports = Pick<RevokePorts, 'sessions' | 'ids'>;

/** A member set to undefined is removed. */
type Change<T> = { [K in keyof T]?: T[K] | undefined };

/** What is known of a target's Docker Hub by use. @throws Failed `store_unavailable`. */
export async function readFacts(ports: Pick<Ports, 'sessions'>, targetName: string): Promise<HubFacts> {
  return (await stored(ports.sessions.read(targetName)))?.facts ?? {};
}

/**
 * Changes a target's record, unless there is none or nothing to change, also over what others write meanwhile. Best effort: what
 * is lost is found out again.
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
    // The next answer says it again.
  }
}

/** Changes facts; a member set to undefined is forgotten, and undefined in place of a change leaves all as it is. */
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
 * Refuses mints of a target until a verification passes, and says so once. That its list lags too far is not overwritten: it also
 * keeps the list from serving a proof, and every verification looks at the rest again.
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

/** How many tokens the organization takes, where it once took no more and that is still believed. */
export function capOf({ cap }: HubFacts, nowMs: number): number | undefined {
  return cap !== undefined && nowMs < cap.atMs + CAP_MS ? cap.tokens : undefined;
}

/** Without the members that are undefined, which no store keeps alike. */
function defined<T extends object>(value: Change<T>): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
