import { VARIATION_NAMES, VARIATIONS, type Variation, type VariationName } from '../../fake-hub/variations.ts';
import type { Scenario } from './scenario.ts';
import { STEPS, type StepName } from './steps.ts';

/** What becomes of a token that was deleted on Docker Hub's own page is what these are about. */
const ABOUT_GONE: readonly VariationName[] = ['gone-403', 'gone-410', 'type-none-404', '404-bare'];

/** The lease by which a variation is judged; it is the first that is ordered. */
export function judgedStep(name: VariationName): StepName {
  const { createIsLost, isRevoked } = VARIATIONS[name] as Variation;
  if (createIsLost) return 'lost';
  if (isRevoked) return 'revoked';
  return ABOUT_GONE.includes(name) ? 'gone' : 'kept';
}

/** One name of each Docker Hub that differs: some names tell only what is done there, and here all is done on each. */
export const DISTINCT_NAMES = [...new Map([...VARIATION_NAMES].reverse().map((name) => [hubOf(name), name])).values()];

function hubOf(name: VariationName): string {
  const { settings, otherTokens, oddToken, needs } = VARIATIONS[name] as Variation;
  return JSON.stringify({ settings, otherTokens, oddToken, needs });
}

/** A Docker Hub that differs from the beginning, in each form that the variation has. */
export function scenariosOf(name: VariationName, isVerified: boolean): readonly Scenario[] {
  const judged = judgedStep(name);
  const steps = [judged, ...STEPS.filter((step) => step !== judged)];
  const { otherSettings = [] } = VARIATIONS[name] as Variation;
  return [{}, ...otherSettings].map((settings) => ({ variations: [name], settings, isVerified, steps }));
}
