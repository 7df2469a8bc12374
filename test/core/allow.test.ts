import { describe, expect, it } from 'vitest';
import { isAllowed, parseAllow, patternsIn } from '../../functions/core/model/allow.ts';
import { parseCaller } from '../../functions/core/model/caller.ts';

const CI_ID = 'AROADBQP57FF2AEXAMPLE';
const CI = 'arn:aws:iam::111122223333:role/ci';
const ci = { arn: CI, accountId: '111122223333', id: CI_ID };

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
    expect(
      isAllowed(
        ['arn:aws:iam::111122223333:root'],
        parseCaller('arn:aws:iam::111122223333:user/ada', 'AIDACKCEVSQ6C2EXAMPLE'),
      ),
    ).toBe(true);
  });

  it('of roles never lists a user of the same name', () => {
    expect(
      isAllowed(
        ['arn:aws:iam::111122223333:role/*'],
        parseCaller('arn:aws:iam::111122223333:user/ci', 'AIDACKCEVSQ6C2EXAMPLE'),
      ),
    ).toBe(false);
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

  it('lists a pinned role by its ARN and unique id', () => {
    const pinned = { role: CI, id: CI_ID };
    expect(parseAllow(pinned, 'allow.0')).toEqual(pinned);
    expect(isAllowed([pinned], ci)).toBe(true);
  });

  it.each([
    ['was deleted and made again', { ...ci, id: 'AROACKCEVSQ6C2EXAMPLE' }],
    ['has no id', { arn: CI, accountId: '111122223333' }],
    ['has another ARN', { ...ci, arn: `${CI}-other` }],
  ])('does not list a pinned role that %s', (_, caller) => {
    expect(isAllowed([{ role: CI, id: CI_ID }], caller)).toBe(false);
  });

  it.each([
    [{ role: `${CI}*`, id: CI_ID }, 'allow.3.role', /may not contain/],
    [{ role: 'arn:aws:iam::111122223333:role/team/ci', id: CI_ID }, 'allow.3.role', /path/],
    [{ role: 'arn:aws:iam::111122223333:root', id: CI_ID }, 'allow.3.role', /expected a role such as \S+$/],
    [{ role: CI, id: 'AIDACKCEVSQ6C2EXAMPLE' }, 'allow.3.id', /unique id/],
    [{ role: CI, id: `${CI_ID}:session` }, 'allow.3.id', /unique id/],
    [{ role: CI, id: '' }, 'allow.3.id', /unique id/],
  ])('may not pin %j', (entry, field, problem) => {
    const failure = { tag: 'invalid_field', field, problem: expect.stringMatching(problem) };
    expect(() => parseAllow(entry, 'allow.3')).toThrow(expect.objectContaining({ failure }));
  });

  it('tells which of its entries list roles that are made later', () => {
    const allow = [CI, `${CI}-*`, 'arn:aws:iam::111122223333:root', { role: CI, id: CI_ID }];
    expect(patternsIn(allow)).toEqual([`${CI}-*`]);
  });
});
