import { describe, expect, it } from 'vitest';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import { ORIGIN, World } from './world.ts';

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

describe('what an audit event says of a lease', () => {
  it('leaves out a token that is not known', () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    expect(auditIds(lease)).toStrictEqual({
      leaseId: lease.id,
      secret: 'ci/release',
      target: 'acme-bot',
      caller: ORIGIN.caller.arn,
      callerId: ORIGIN.caller.id,
    });
  });

  it('names the token by id and hash where both are known', () => {
    const { world, target } = worldWithTarget();
    const { id, tokenId, tokenSha256 } = world.addLease(target);
    expect(auditIds({ ...world.lease(id) })).toStrictEqual({
      leaseId: id,
      secret: 'ci/release',
      target: 'acme-bot',
      caller: ORIGIN.caller.arn,
      callerId: ORIGIN.caller.id,
      tokenId,
      tokenSha256,
    });
  });
});
