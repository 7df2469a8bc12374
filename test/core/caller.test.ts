import { describe, expect, it } from 'vitest';
import { isOwner, parseCaller, parsePrincipal } from '../../functions/core/model/caller.ts';

const ROLE_ID = 'AROADBQP57FF2AEXAMPLE';
const USER_ID = 'AIDACKCEVSQ6C2EXAMPLE';
const CI_SESSION = 'arn:aws:sts::111122223333:assumed-role/ci/build-7';

describe('the caller', () => {
  it.each([
    ['arn:aws:sts::111122223333:assumed-role/ci/build-7', 'arn:aws:iam::111122223333:role/ci'],
    [
      'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ada@example.com',
      'arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef',
    ],
    ['arn:aws-cn:sts::111122223333:assumed-role/ci/x', 'arn:aws-cn:iam::111122223333:role/ci'],
    ['arn:aws:iam::111122223333:role/path/ci', 'arn:aws:iam::111122223333:role/path/ci'],
  ])('%s counts as %s', (userArn, arn) => {
    const session = userArn.split('/').at(-1);
    expect(parseCaller(userArn, `${ROLE_ID}:${session}`)).toEqual({ arn, accountId: '111122223333', id: ROLE_ID });
  });

  it('that is a user has the id of the user', () => {
    const arn = 'arn:aws:iam::111122223333:user/path/ada';
    expect(parseCaller(arn, USER_ID)).toEqual({ arn, accountId: '111122223333', id: USER_ID });
  });

  it('that is the root of an account has no id', () => {
    const arn = 'arn:aws:iam::111122223333:root';
    expect(parseCaller(arn, '111122223333')).toEqual({ arn, accountId: '111122223333' });
  });

  it.each([
    ['a session', CI_SESSION, undefined],
    ['a session', CI_SESSION, null],
    ['a session', CI_SESSION, ''],
    ['a session', CI_SESSION, ROLE_ID],
    ['a session', CI_SESSION, `${USER_ID}:build-7`],
    ['a session', CI_SESSION, `ASIA${ROLE_ID.slice(4)}:build-7`],
    ['a session', CI_SESSION, `${ROLE_ID}:`],
    ['a session', CI_SESSION, `${ROLE_ID}:build-7:x`],
    ['a session', CI_SESSION, `x${ROLE_ID}:build-7`],
    ['a session', CI_SESSION, 'AROASHORT:build-7'],
    ['a session', CI_SESSION, '111122223333:ada'],
    ['a user', 'arn:aws:iam::111122223333:user/ada', undefined],
    ['a user', 'arn:aws:iam::111122223333:user/ada', `${ROLE_ID}:ada`],
    ['a federated user', 'arn:aws:sts::111122223333:federated-user/ada', '111122223333:ada'],
    ['a federated user', 'arn:aws:sts::111122223333:federated-user/ada', `${ROLE_ID}:ada`],
  ])('that is %s (%s) is refused with the principal id %j', (_, userArn, principalId) => {
    const failure = { tag: 'caller_unknown' };
    expect(() => parseCaller(userArn, principalId)).toThrow(expect.objectContaining({ failure }));
  });

  it.each([
    undefined,
    null,
    '',
    'anonymous',
    'arn:aws:iam::1111:role/ci',
    'arn:aws:sts::111122223333:assumed-role/ci',
    'arn:aws:sts::111122223333:assumed-role/ci/a/b',
    'arn:evil:sts::111122223333:assumed-role/ci/x',
    'arn:aws:s3:::bucket',
    'arn:aws:sts::111122223333:assumed-role/ci/x\n',
    'xarn:aws:iam::111122223333:root',
    'arn:aws:iam::111122223333:rootx',
    'arn:aws:iam::1111222233334:root',
    'arn:aws:iam::111122223333:user/',
    'arn:aws:sts::111122223333:federated-user/a',
    `arn:aws:sts::111122223333:assumed-role/${'r'.repeat(65)}/x`,
    `arn:aws:sts::111122223333:assumed-role/ci/${'s'.repeat(65)}`,
  ])('is refused as %j', (userArn) => {
    expect(() => parseCaller(userArn, `${ROLE_ID}:x`)).toThrow(
      expect.objectContaining({ failure: { tag: 'caller_unknown' } }),
    );
  });
});

describe('a principal that did not sign', () => {
  it.each([
    ['arn:aws:sts::111122223333:federated-user/ada', 'arn:aws:sts::111122223333:federated-user/ada'],
    [CI_SESSION, 'arn:aws:iam::111122223333:role/ci'],
  ])('%s is named %s', (userArn, arn) => {
    expect(parsePrincipal(userArn)).toEqual({ arn, accountId: '111122223333' });
  });
});

describe('the owner of a lease', () => {
  const caller = parseCaller(CI_SESSION, `${ROLE_ID}:build-7`);

  it.each([
    ['of this ARN and id', { caller: caller.arn, callerId: ROLE_ID }, true],
    ['of this ARN from before ids were recorded', { caller: caller.arn }, true],
    ['of an earlier role of this ARN', { caller: caller.arn, callerId: 'AROACKCEVSQ6C2EXAMPLE' }, false],
    ['of this id under another ARN', { caller: `${caller.arn}-other`, callerId: ROLE_ID }, false],
  ])('is the caller, for a lease %s: %s %s', (_, lease, owns) => {
    expect(isOwner(lease, caller)).toBe(owns);
  });

  it('is no caller without an id, where the lease has one', () => {
    expect(isOwner({ caller: caller.arn, callerId: ROLE_ID }, { arn: caller.arn, accountId: '111122223333' })).toBe(
      false,
    );
  });
});
