/** A ULID in Crockford's base 32. */
const LEASE_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
/** A message has about 45 characters. A much longer one is not from hublease. */
const MAX_BODY_CHARACTERS = 256;

/** Writes the message that makes the revoker check a lease. The scheduler and the queue send the same message. */
export function writeLeaseMessage(leaseId: string): string {
  return JSON.stringify({ leaseId });
}

/** Reads the lease's id from a message; undefined if hublease did not write it. */
export function readLeaseMessage(body: string): string | undefined {
  if (body.length > MAX_BODY_CHARACTERS) return undefined;
  try {
    const { leaseId, ...rest } = JSON.parse(body);
    return typeof leaseId === 'string' && LEASE_ID.test(leaseId) && Object.keys(rest).length === 0
      ? leaseId
      : undefined;
  } catch {
    return undefined;
  }
}
