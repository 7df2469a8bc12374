import { describe, expect, it } from 'vitest';
import type { Verification } from '../../functions/core/model/target.ts';
import { verificationWarnings } from '../../functions/wire/answers/verification-words.ts';

const EXACT: Verification = {
  atMs: 0,
  account: 'acme-bot',
  loginRoute: 'auth-token',
  expiryGranularity: 'second',
  expirySlackSeconds: 0,
  labelMaxCharacters: 100,
  creatorUserAgentKept: true,
  deleteStatus: 204,
};

describe('the warnings of a verification', () => {
  it('are none where Docker Hub does as it documents, or where only the login was proven', () => {
    expect(verificationWarnings(EXACT)).toEqual([]);
    expect(verificationWarnings({ atMs: 0, account: 'acme-bot', loginRoute: 'auth-token' })).toEqual([]);
  });

  it.each<[Partial<Verification>, string]>([
    [{ expirySlackSeconds: 60 }, 'Docker Hub ends tokens up to a minute later than asked'],
    [{ expirySlackSeconds: 3_600 }, 'Docker Hub ends tokens up to an hour later than asked'],
    [{ expirySlackSeconds: 86_400 }, 'Docker Hub ends tokens up to a day later than asked'],
    [{ expiryMinSeconds: 3_600 }, 'gives no token less than an hour'],
    [{ expiryMinSeconds: 86_400 }, 'gives no token less than a day'],
    [{ expiryMinSeconds: 7_200 }, 'gives no token less than 7200 seconds'],
    [{ expiryUnproven: true }, 'A token whose delete fails may live on'],
    [{ labelMaxCharacters: 99 }, 'Callers can give at most 39 characters of label'],
    [{ labelMaxCharacters: 59 }, 'Callers can give no label of their own'],
    [{ creatorUserAgentKept: false }, 'does not say that hublease made a token'],
    [{ deleteStatus: 202 }, 'answers a delete with 202'],
  ])('say what %j means', (learned, words) => {
    const warnings = verificationWarnings({ ...EXACT, ...learned });
    expect(warnings).toEqual([expect.stringContaining(words)]);
    expect(warnings[0]).toMatch(/\.$/);
  });
});
