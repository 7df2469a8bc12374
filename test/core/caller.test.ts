import { describe, expect, it } from 'vitest';
import { isAllowed, parseAllow, parseCaller } from '../../functions/core/caller.ts';

const ci = { arn: 'arn:aws:iam::111122223333:role/ci', accountId: '111122223333' };

describe('the caller', () => {
  it.each([
    ['arn:aws:sts::111122223333:assumed-role/ci/build-7', 'arn:aws:iam::111122223333:role/ci'],
    [
      'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ada@example.com',
      'arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef',
    ],
    ['arn:aws-cn:sts::111122223333:assumed-role/ci/x', 'arn:aws-cn:iam::111122223333:role/ci'],
    ['arn:aws:iam::111122223333:user/path/ada', 'arn:aws:iam::111122223333:user/path/ada'],
    ['arn:aws:sts::111122223333:federated-user/ada', 'arn:aws:sts::111122223333:federated-user/ada'],
    ['arn:aws:iam::111122223333:role/path/ci', 'arn:aws:iam::111122223333:role/path/ci'],
    ['arn:aws:iam::111122223333:root', 'arn:aws:iam::111122223333:root'],
  ])('%s counts as %s', (userArn, arn) => {
    expect(parseCaller(userArn)).toEqual({ arn, accountId: '111122223333' });
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
    expect(() => parseCaller(userArn)).toThrow(expect.objectContaining({ failure: { tag: 'caller_unknown' } }));
  });
});

describe('an allow list', () => {
  it.each([
    ['arn:aws:iam::111122223333:role/ci', true],
    ['arn:aws:iam::111122223333:role/ci*', true],
    ['arn:aws:iam::111122223333:role/*', true],
    ['arn:aws:iam::111122223333:role/*i', true],
    ['arn:aws:iam::111122223333:role/c*i*', true],
    ['arn:aws:iam::111122223333:root', true],
    ['arn:aws:iam::111122223333:role/c', false],
    ['arn:aws:iam::111122223333:role/cic', false],
    ['arn:aws:iam::111122223333:role/x*', false],
    ['arn:aws:iam::111122223333:role/*x', false],
    ['arn:aws:iam::444455556666:role/ci', false],
    ['arn:aws:iam::444455556666:root', false],
    ['arn:aws-cn:iam::111122223333:root', false],
    ['arn:aws-cn:iam::111122223333:role/ci', false],
  ])('of %s lists role ci of account 111122223333: %s', (pattern, listed) => {
    expect(parseAllow(pattern, 'allow.0')).toBe(pattern);
    expect(isAllowed([pattern], ci)).toBe(listed);
  });

  it.each(['ci', 'role/ci', 'arn:aws:iam::111122223333:role/', ''])(
    'lists nobody by a part of an ARN: %j',
    (pattern) => {
      expect(isAllowed([pattern], ci)).toBe(false);
    },
  );

  it('that is empty lists nobody', () => {
    expect(isAllowed([], ci)).toBe(false);
  });

  it('lists whoever one of its entries lists', () => {
    expect(isAllowed(['arn:aws:iam::444455556666:root', 'arn:aws:iam::111122223333:role/ci'], ci)).toBe(true);
  });

  it('by account root lists every principal of the account', () => {
    expect(isAllowed(['arn:aws:iam::111122223333:root'], parseCaller('arn:aws:iam::111122223333:user/ada'))).toBe(true);
  });

  it('of roles never lists a user of the same name', () => {
    expect(isAllowed(['arn:aws:iam::111122223333:role/*'], parseCaller('arn:aws:iam::111122223333:user/ci'))).toBe(
      false,
    );
  });

  it('is matched in linear time, whatever its stars', () => {
    const pattern = `arn:aws:iam::111122223333:role/${'*a'.repeat(30)}b`;
    const caller = { arn: `arn:aws:iam::111122223333:role/${'a'.repeat(64)}`, accountId: '111122223333' };
    expect(isAllowed([pattern], caller)).toBe(false);
  });

  it.each([
    ['arn:aws:iam::111122223333:role/team/ci', /path/],
    ['arn:aws:iam::*:role/ci', /expected a role/],
    ['arn:aws:iam::111122223333:user/ada', /expected a role/],
    ['*', /expected a role/],
    ['arn:aws:sts::111122223333:assumed-role/ci/x', /expected a role/],
    ['arn:aws:iam::111122223333:role/', /expected a role/],
    ['xarn:aws:iam::111122223333:role/ci', /expected a role/],
    ['xarn:aws:iam::111122223333:role/team/ci', /expected a role/],
    ['arn:aws:iam::111122223333:role/ci ', /expected a role/],
    ['xarn:aws:iam::111122223333:root', /expected a role/],
    ['arn:aws:iam::111122223333:root:', /expected a role/],
    ['arn:aws:iam::1:role/ci', /expected a role/],
    ['arn:aws:iam::1:root', /expected a role/],
    [
      'arn:aws:iam::111122223333:role/a-very-long-name-of-a-role-that-no-role-in-aws-could-ever-bear-as-it-is',
      /a role/,
    ],
  ])('may not have %j', (pattern, reason) => {
    expect(() => parseAllow(pattern, 'allow.3')).toThrow(
      expect.objectContaining({
        failure: { tag: 'invalid_field', field: 'allow.3', problem: expect.stringMatching(reason) },
      }),
    );
  });
});
