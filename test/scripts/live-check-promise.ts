import { expect } from 'vitest';
import type { FakeHubSettings } from '../../fake-hub/server.ts';
import { VARIATION_NAMES, VARIATIONS, type Variation, type VariationName } from '../../fake-hub/variations.ts';
import { everythingSaid, type Outcome } from './live-check-world.ts';

/** One form of a variation. */
export interface VariationForm {
  readonly name: string;
  readonly variation: VariationName;
  /** In place of the variation's own settings. */
  readonly settings?: Partial<FakeHubSettings>;
}

/** Every variation in each of its forms. */
export const FORMS: readonly VariationForm[] = VARIATION_NAMES.flatMap((variation) => {
  const { otherSettings = [] }: Variation = VARIATIONS[variation];
  const others = otherSettings.map((settings) => ({
    name: `${variation} ${JSON.stringify(settings)}`,
    variation,
    settings,
  }));
  return [{ name: variation, variation }, ...others];
});

function deleteWorks(variation: VariationName): boolean {
  const { settings }: Variation = VARIATIONS[variation];
  return settings.deleteDelayMs !== null && (settings.deleteErrorStatus ?? null) === null;
}

/**
 * What every run keeps, however it ends: no live token where DELETE works, else each is named with its expiry and the exit is not
 * zero; nobody else's token is touched, no secret leaves the process, and the table so far is there.
 */
export function expectPromise(variation: VariationName, outcome: Outcome): void {
  const { live, exitCode, printed, foreign, answers } = outcome;
  if (deleteWorks(variation)) {
    expect(live).toEqual([]);
    expect([0, 3]).toContain(exitCode);
    expect(printed).not.toMatch(/LEFT|UNCLEAR/);
  } else {
    expectNamed(outcome);
  }
  expect(foreign.filter((token) => !token.live)).toEqual([]);
  expect(everythingSaid(outcome)).not.toMatch(/dckr_[po]at_|canary|eyJ|GEZDGNBV/);
  expect(Object.keys(answers).length).toBeGreaterThan(25);
  expect(printed).toContain('POST /v2/auth/token');
}

/** Each token that is left is named, by its label where no answer told its id, and the exit says so. */
export function expectNamed({ live, exitCode, printed }: Outcome): void {
  const lines = printed.split('\n').filter((line) => line.startsWith('LEFT:'));
  for (const { id, label, expiresAtMs } of live) {
    const line = lines.find((each) => each.includes(id)) ?? lines.find((each) => each.includes(label));
    const expiry = expiresAtMs === null ? 'never' : new Date(expiresAtMs).toISOString().slice(0, 19);
    expect(line).toContain(expiry);
    expect(line).toContain('hublease-live-check');
  }
  if (live.length > 0) expect(exitCode).toBe(1);
}
