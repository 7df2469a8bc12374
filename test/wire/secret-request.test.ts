import { describe, expect, it } from 'vitest';
import { CALLER_LABEL_MAX_CHARACTERS } from '../../functions/core/hub/label.ts';
import { Failed } from '../../functions/core/model/failure.ts';
import { check } from '../../functions/wire/check.ts';
import { SecretBody, secretOrder } from '../../functions/wire/requests/secret.ts';

const LIMITS = { defaultTtl: '15m', maxTtl: '1h', allow: ['arn:aws:iam::111122223333:role/ci'] };
const CREDENTIAL = { username: 'AcmeBot', password: 'canary-password', totpSecret: 'jbswy3dpehpk3pxp' };

const order = (body: object, query: { verify?: 'true' | 'false' } = {}, headers = {}) =>
  secretOrder('ci/release', check(SecretBody, { ...LIMITS, ...body }, 'body'), query, headers);

function fieldOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof Failed && error.failure.tag === 'invalid_field') {
      expect(JSON.stringify(error.failure)).not.toContain('canary');
      return error.failure.field;
    }
    throw error;
  }
  return undefined;
}

describe('a credential in place of a target', () => {
  it('is of a user unless it says otherwise, and is verified unless told not to', () => {
    const credential = { username: 'acmebot', password: 'canary-password', totpSecret: 'JBSWY3DPEHPK3PXP' };
    expect(order({ credential: CREDENTIAL, scope: 'repo:read' }).target).toEqual({
      kind: 'user',
      credential,
      allowUnprovenExpiry: false,
      verify: true,
    });
    expect(order({ credential: CREDENTIAL, scope: 'repo:read' }, { verify: 'false' }).target).toMatchObject({
      verify: false,
    });
  });

  it('may be left out with the target: whether there is one to keep is for core to know', () => {
    expect(order({ scope: 'repo:read' })).not.toHaveProperty('target');
  });

  it('may be of an organization, and choose its login route', () => {
    const body = { credential: CREDENTIAL, kind: 'org', organization: 'acme', loginRoute: 'users-login' };
    expect(order({ ...body, namespace: 'acme' }).target).toMatchObject({
      kind: 'org',
      organization: 'acme',
      loginRoute: 'users-login',
    });
  });

  it('says with each PUT whether an expiry must be proven', () => {
    const allowing = { credential: CREDENTIAL, scope: 'repo:read', allowUnprovenExpiry: true };
    expect(order(allowing).target).toMatchObject({ allowUnprovenExpiry: true });
    expect(order({ ...allowing, allowUnprovenExpiry: false }).target).toMatchObject({ allowUnprovenExpiry: false });
  });

  it.each<[string, object]>([
    ['credential', { target: 'acme', credential: CREDENTIAL }],
    ['kind', { target: 'acme', kind: 'user' }],
    ['organization', { target: 'acme', organization: 'acme' }],
    ['loginRoute', { target: 'acme', loginRoute: 'auth-token' }],
    ['allowUnprovenExpiry', { target: 'acme', allowUnprovenExpiry: true }],
    ['allowUnprovenExpiry', { credential: CREDENTIAL, allowUnprovenExpiry: 'true' }],
    ['kind', { kind: 'user' }],
    ['organization', { organization: 'acme' }],
    ['kind', { credential: CREDENTIAL, kind: 'team' }],
    ['credential.password', { credential: { username: 'acmebot' } }],
    ['credential.token', { credential: { ...CREDENTIAL, token: 'canary' } }],
  ])('fails at %s', (field, body) => {
    expect(fieldOf(() => order({ scope: 'repo:read', ...body }))).toBe(field);
  });
});

describe('a namespace', () => {
  it('is short for pulling all repositories of the organization', () => {
    expect(order({ target: 'acme', namespace: 'acme' }).resources).toEqual([
      { type: 'TYPE_REPO', path: 'acme/*', scopes: ['scope-image-pull'] },
    ]);
  });

  it('does not stand beside resources, and is one name', () => {
    const resources = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }];
    expect(fieldOf(() => order({ target: 'acme', namespace: 'acme', resources }))).toBe('namespace');
    expect(fieldOf(() => order({ target: 'acme', namespace: 'acme/app' }))).toBe('namespace');
    expect(fieldOf(() => order({ target: 'acme', namespace: '*' }))).toBe('namespace');
  });
});

describe('a label template', () => {
  it.each(['ci', '{secret}', '{role}', 'build {secret} by {role}', 'a|b~', '{role}'.repeat(6)])('may be %j', (text) => {
    expect(order({ target: 'acme', labelTemplate: text }).labelTemplate).toBe(text);
  });

  it.each(['', ' x', 'x ', '{lease}', '{', '}', '{{secret}}', '{Secret}', 'ä', 'a\nb', '\u001b[31m', 'x'.repeat(99)])(
    'may not be %j',
    (text) => {
      expect(fieldOf(() => order({ target: 'acme', labelTemplate: text }))).toBe('labelTemplate');
    },
  );

  it('is as long as a label may be, and no longer', () => {
    const longest = 'x'.repeat(CALLER_LABEL_MAX_CHARACTERS);
    expect(order({ target: 'acme', labelTemplate: longest }).labelTemplate).toBe(longest);
    expect(fieldOf(() => order({ target: 'acme', labelTemplate: `${longest}x` }))).toBe('labelTemplate');
  });
});

describe('the version that a PUT replaces', () => {
  it('comes from If-Match', () => {
    expect(order({ target: 'acme' }, {}, { 'if-match': '"7"' }).ifVersion).toBe(7);
    expect(order({ target: 'acme' }, {}, { 'if-match': '*' }).ifVersion).toBe('any');
    expect(order({ target: 'acme' })).not.toHaveProperty('ifVersion');
  });
});
