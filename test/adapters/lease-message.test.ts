import { describe, expect, it } from 'vitest';
import { readLeaseMessage, writeLeaseMessage } from '../../functions/adapters/aws/lease-message.ts';

const LEASE_ID = '01KAJ4Z8V5Q2M9T3X7B6C1D0EF';

describe('a message to the revoker', () => {
  it('is read as it was written', () => {
    expect(writeLeaseMessage(LEASE_ID)).toBe(`{"leaseId":"${LEASE_ID}"}`);
    expect(readLeaseMessage(writeLeaseMessage(LEASE_ID))).toBe(LEASE_ID);
  });

  it.each([
    '',
    'null',
    '7',
    '[]',
    '{}',
    LEASE_ID,
    `"${LEASE_ID}"`,
    `["${LEASE_ID}"]`,
    `{"leaseId":7}`,
    `{"leaseId":"${LEASE_ID.toLowerCase()}"}`,
    `{"leaseId":"${LEASE_ID}0"}`,
    `{"leaseId":"${LEASE_ID}\\n"}`,
    `{"leaseId":"../${LEASE_ID.slice(3)}"}`,
    `{"leaseId":"${LEASE_ID}","force":true}`,
    `{"leaseId":"${LEASE_ID}"}${' '.repeat(256)}`,
    `{"leaseId":"${LEASE_ID}"`,
  ])('is not what hublease did not write: %s', (body) => {
    expect(readLeaseMessage(body)).toBeUndefined();
  });
});
