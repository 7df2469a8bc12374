/** How a token's label is treated. */

import type { FakeHubSettings } from '../settings.ts';

export type LabelRules = Pick<FakeHubSettings, 'maxLabelCharacters' | 'labelTooLong' | 'labelCase'>;

/** The label that is kept, or what is wrong with the one that was sent. */
export function readLabel(
  input: unknown,
  rules: LabelRules,
): { readonly label: string } | { readonly problem: string } {
  const { maxLabelCharacters, labelTooLong, labelCase } = rules;
  if (typeof input !== 'string') return { problem: 'must be a string' };
  const characters = [...input];
  const isTooLong = characters.length > maxLabelCharacters;
  if (characters.length < 1 || (isTooLong && labelTooLong === '400')) {
    return { problem: `must have 1 to ${maxLabelCharacters} characters` };
  }
  const label = isTooLong ? characters.slice(0, maxLabelCharacters).join('') : input;
  return { label: labelCase === 'lower' ? label.toLowerCase() : label };
}
