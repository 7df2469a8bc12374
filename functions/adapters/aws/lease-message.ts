/** A ULID in Crockford's base 32. */
const LEASE_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
/** A message is some 45 characters; what is much longer is none of ours. */
const MAX_BODY_CHARACTERS = 256;

/** Writes the message that makes the revoker look at a lease; the scheduler and the queue send the same. */
export function writeLeaseMessage(leaseId: string): string {
  return JSON.stringify({ leaseId });
}

/** Reads the lease's id from a message, or undefined when hublease did not write it. */
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
