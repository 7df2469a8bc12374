import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CALLER_LABEL_MAX_CHARACTERS,
  callerLabelMax,
  LABEL_MAX_CHARACTERS,
  MARK_CHARACTERS,
  readLabel,
  writeLabel,
} from '../../functions/core/hub/label.ts';
import type { LabelKeys } from '../../functions/core/ports/sealing.ts';

const LEASE = '01J8ZC5N3V6Q2R7T9W1X4Y5Z6A';

function keys(overrides: Partial<LabelKeys> & { secrets?: Record<string, string> } = {}): LabelKeys {
  const { secrets = { k1: 'one' }, ...rest } = overrides;
  return {
    installation: 'abcd1234',
    currentKeyId: 'k1',
    mac: (keyId, text) =>
      secrets[keyId] === undefined
        ? undefined
        : createHmac('sha256', secrets[keyId]).update(text).digest('base64url').slice(0, 16),
    sha256: () => '',
    ...rest,
  };
}

describe('the label on Docker Hub', () => {
  it('names the lease and is recognised', () => {
    const label = writeLabel(keys(), LEASE, 'acme-bot', 'release build');
    expect(label).toMatch(/^hl1:abcd1234:01J8ZC5N3V6Q2R7T9W1X4Y5Z6A:k1\.[\w-]{16} release build$/);
    expect(readLabel(keys(), label, 'acme-bot')).toBe(LEASE);
  });

  it('fits Docker Hub with the longest label a caller may give', () => {
    const label = writeLabel(keys(), LEASE, 'acme-bot', 'x'.repeat(CALLER_LABEL_MAX_CHARACTERS));
    expect(label).toHaveLength(LABEL_MAX_CHARACTERS);
    expect(readLabel(keys(), label, 'acme-bot')).toBe(LEASE);
  });

  it.each([
    [100, 40],
    [61, 1],
    [60, 0],
    [59, 0],
    [50, 0],
  ])('of %i characters leaves %i to a caller', (labelMaxCharacters, left) => {
    expect(callerLabelMax(labelMaxCharacters)).toBe(left);
  });

  it('is of the mark alone where no caller gives a label', () => {
    expect(writeLabel(keys(), LEASE, 'acme-bot')).toHaveLength(MARK_CHARACTERS);
  });

  it('is still recognised when the part behind the mark was edited', () => {
    const label = writeLabel(keys(), LEASE, 'acme-bot', 'old');
    expect(readLabel(keys(), label.replace('old', 'new'), 'acme-bot')).toBe(LEASE);
    expect(readLabel(keys(), label.slice(0, -4), 'acme-bot')).toBe(LEASE);
  });

  it('is recognised under an older key that is still known, and not under one that is gone', () => {
    const label = writeLabel(keys(), LEASE, 'acme-bot');
    const rotated = { currentKeyId: 'k2', secrets: { k1: 'one', k2: 'two' } };
    expect(readLabel(keys(rotated), label, 'acme-bot')).toBe(LEASE);
    expect(readLabel(keys({ ...rotated, secrets: { k2: 'two' } }), label, 'acme-bot')).toBeUndefined();
  });

  it.each([
    ['another account', (label: string) => [label, 'acme-bot2']],
    ['another lease id', (label: string) => [label.replace('01J8', '01J9'), 'acme-bot']],
    ['another installation', (label: string) => [label.replace('abcd1234', 'abcd1235'), 'acme-bot']],
    ['another MAC', (label: string) => [label.replace(/\..{4}/, '.AAAA'), 'acme-bot']],
    ['a cut MAC', (label: string) => [label.slice(0, -1), 'acme-bot']],
    ['something glued to the MAC', (label: string) => [`${label}x`, 'acme-bot']],
    ['something before the mark', (label: string) => [` ${label}`, 'acme-bot']],
    ['no mark at all', () => ['my laptop', 'acme-bot']],
    ['an empty text', () => ['', 'acme-bot']],
  ])('is not recognised with %s', (_, change) => {
    const [label, account] = change(writeLabel(keys(), LEASE, 'acme-bot')) as [string, string];
    expect(readLabel(keys(), label, account)).toBeUndefined();
  });

  it('of another installation that shares the key is not ours', () => {
    const label = writeLabel(keys({ installation: 'zzzz9999' }), LEASE, 'acme-bot');
    expect(readLabel(keys(), label, 'acme-bot')).toBeUndefined();
  });

  it('cannot be written without the current key', () => {
    expect(() => writeLabel(keys({ currentKeyId: 'k9' }), LEASE, 'acme-bot')).toThrow('label key');
  });
});
