import type { Evidence, Lease, LeaseStatus } from '../model/lease.ts';

/** A stored row that this version of hublease cannot read. The error names the row, and never quotes it. */
export class RowUnreadable extends Error {
  constructor(row: string, problem: string) {
    super(`${row} cannot be read: ${problem}`);
    this.name = 'RowUnreadable';
  }
}

type Check = (value: unknown) => boolean;

/** The required members of a type. */
type RequiredOf<T> = keyof { [K in keyof T as Record<never, never> extends Pick<T, K> ? never : K]: true };

type OfStatus<S extends LeaseStatus> = Extract<Lease, { readonly status: S }>;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';
const isFlag: Check = (value) => typeof value === 'boolean';

const EVIDENCE_KINDS: Readonly<Record<Evidence['kind'], true>> = {
  deleted: true,
  absent: true,
  expired: true,
  attested: true,
};

const isEvidence: Check = (value) => {
  const { kind, atMs }: Members = isObject(value) ? value : {};
  return typeof kind === 'string' && Object.hasOwn(EVIDENCE_KINDS, kind) && isNumber(atMs);
};

/** What a lease of every status has. */
const ALWAYS: Readonly<Record<RequiredOf<Lease>, Check>> = {
  schema: (value) => value === 1,
  id: isText,
  status: isText,
  version: isNumber,
  opId: isText,
  secret: isText,
  target: isText,
  hubAccount: isText,
  kind: (value) => value === 'pat' || value === 'oat',
  caller: isText,
  hubLabel: isText,
  requestId: isText,
  issuedAtMs: isNumber,
  expiresAtMs: isNumber,
  maxExpiresAtMs: isNumber,
  hubExpiresAtMs: (value) => value === null || isNumber(value),
  renewable: isFlag,
  mintByMs: isNumber,
  attempts: isNumber,
};

/** The other members of a lease, by its status. The compiler checks that this table agrees with the types. */
const BY_STATUS: {
  readonly [S in LeaseStatus]: Readonly<Record<Exclude<RequiredOf<OfStatus<S>>, keyof typeof ALWAYS>, Check>>;
} = {
  minting: { dueAtMs: isNumber },
  active: { dueAtMs: isNumber, tokenId: isText, tokenSha256: isText },
  revoking: { dueAtMs: isNumber, revokeReason: isText, revokingSinceMs: isNumber },
  revoked: { revokeReason: isText, revokedAtMs: isNumber, evidence: isEvidence },
};

/**
 * Members that contradict a row's status. Other leftover members do no harm, because nothing reads them in that status. Rows of
 * version 0.1 have some.
 */
const OPEN_NEVER = ['evidence', 'revokedAtMs', 'ttlAtMs'] as const;
const NEVER: Readonly<Record<LeaseStatus, readonly (keyof Lease)[]>> = {
  minting: OPEN_NEVER,
  active: OPEN_NEVER,
  revoking: OPEN_NEVER,
  revoked: ['dueAtMs'],
};

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads the lease in a stored row, after checking that the row has all members that its status requires. Stores read leases only
 * through this function.
 *
 * @throws RowUnreadable for an unknown schema or status, or a row that contradicts its status. Nothing is guessed, because a
 *   revoked lease without evidence might have a live token.
 */
export function readLease(row: object): Lease {
  const members: Members = { ...row };
  const problem = problemOf(members);
  if (problem !== undefined) {
    throw new RowUnreadable(typeof members.id === 'string' ? `lease ${members.id}` : 'a lease', problem);
  }
  return members as unknown as Lease;
}

function problemOf(members: Members): string | undefined {
  if (!ALWAYS.schema(members.schema)) return 'its schema is not 1';
  const { status } = members;
  if (!isStatus(status)) return 'its status is unknown';
  const checks: readonly [string, Check][] = [...Object.entries(ALWAYS), ...Object.entries<Check>(BY_STATUS[status])];
  const wrong = checks.find(([name, isRight]) => !isRight(members[name]));
  if (wrong !== undefined) return `${status} needs ${wrong[0]}`;
  const excess = NEVER[status].find((name) => members[name] !== undefined);
  return excess === undefined ? undefined : `${status} never has ${excess}`;
}

function isStatus(value: unknown): value is LeaseStatus {
  return typeof value === 'string' && Object.hasOwn(BY_STATUS, value);
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
