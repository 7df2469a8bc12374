import { describe, expect, it } from 'vitest';
import { everythingSaid, RUN_ID, runLiveCheck, TOTP_SECRET } from './live-check-world.ts';

const SECRET = /dckr_[po]at_|canary|eyJ|GEZDGNBV/;

/** One run with both kinds of token serves all that is asked of it. */
const documented = runLiveCheck({ hasOrganization: true });

describe('the live check of a Docker Hub as documented', () => {
  it('answers every question of both kinds of token, and leaves none behind', async () => {
    const outcome = await documented;
    expect(outcome.exitCode).toBe(0);
    expect(Object.entries(outcome.answers).filter(([, { answer }]) => answer === undefined)).toEqual([]);
    expect(Object.keys(outcome.answers).length).toBeGreaterThan(50);
    expect(outcome.live).toEqual([]);
    expect(outcome.printed).toMatch(/\d+ tokens made, \d+ proven gone\./);
    expect(outcome.printed).not.toMatch(/LEFT|UNCLEAR|not asked/);
  });

  it('says for each answer what it changes in hublease', async () => {
    const { answers } = await documented;
    expect(Object.values(answers).filter(({ changes = '' }) => changes === '')).toEqual([]);
  });

  it('touches no token that it did not make', async () => {
    const { foreign, control } = await documented;
    expect(foreign).toMatchObject([{ label: 'my laptop', live: true, deleted: false }]);
    expect(control.deletions().filter((deletion) => deletion.foreign)).toEqual([]);
    expect(control.patches().filter(({ id }) => foreign.some((token) => token.id === id))).toEqual([]);
  });

  it('marks every token with its run', async () => {
    const { control } = await documented;
    const made = control.tokens().filter(({ foreign }) => !foreign);
    expect(made.length).toBeGreaterThan(5);
    for (const { label, creatorUserAgent } of made) {
      expect(label.startsWith(`hublease-live-check ${RUN_ID} `)).toBe(true);
      expect(creatorUserAgent).toContain(RUN_ID);
    }
  });

  it('says no secret, no user name and no organization in what it prints and writes', async () => {
    const outcome = await runLiveCheck({ hasOrganization: true, hasSecondFactor: true });
    expect(outcome.exitCode).toBe(0);
    expect(everythingSaid(outcome)).not.toMatch(SECRET);
    expect(everythingSaid(outcome)).not.toContain(TOTP_SECRET);
    for (const text of [outcome.printed, ...Object.values(outcome.files)]) expect(text).not.toMatch(/throwaway|acme/);
  });

  it('writes the same as a Markdown table', async () => {
    const { files, answers } = await documented;
    const rows = (files[`${RUN_ID}.md`] ?? '').split('\n').filter((line) => line.startsWith('| '));
    // A head and a rule stand above.
    expect(rows).toHaveLength(Object.keys(answers).length + 2);
    expect(new Set(rows.map((row) => row.replaceAll('\\|', '').split('|').length))).toEqual(new Set([6]));
  });

  it('keeps few tokens alive at a time, and pauses longer and longer', async () => {
    const alive: number[] = [];
    const { requests, spentMs } = await runLiveCheck({
      onRequest: (_, { control }) =>
        alive.push(control.tokens().filter(({ live, foreign }) => live && !foreign).length),
    });
    expect(Math.max(...alive)).toBeLessThanOrEqual(6);
    expect(spentMs / requests).toBeGreaterThan(500);
  });

  it.each(['rate-60', 'rate-10'] as const)('keeps within the limit of %s, and asks everything', async (variation) => {
    const { exitCode, printed } = await runLiveCheck({ variation });
    expect(exitCode).toBe(0);
    expect(printed).not.toMatch(/429|not asked/);
  });

  it('logs in afresh before it deletes what is left', async () => {
    const { control } = await runLiveCheck();
    // Both routes, one token's session, and the cleanup.
    expect(control.calls().logins.throwaway).toEqual({ succeeded: 4, failed: 0 });
  });
});

describe('what is asked for alone', () => {
  it('is the cap of an organization, which is met and given back', async () => {
    const outcome = await runLiveCheck({ hasOrganization: true, env: { HUBLEASE_LIVE_OAT_CAP: 'yes' } });
    expect(outcome.answers['organization:cap']).toMatchObject({
      answer: 'With 10 tokens a create answers status 403 (cap_reached).',
      facts: { cap: 10 },
    });
    expect(outcome.exitCode).toBe(0);
    expect(outcome.live).toEqual([]);
    expect((await documented).answers['organization:cap']).toBeUndefined();
  });

  it('is so many tokens that a page is cut', async () => {
    const outcome = await runLiveCheck({ env: { HUBLEASE_LIVE_MANY_TOKENS: 'yes' } });
    expect(outcome.answers['personal:page-size']).toMatchObject({
      answer: 'page_size 1000: 100 of 101 tokens; 1: 1 of 101 tokens.',
      facts: { cut: true, given: 100 },
    });
    expect(outcome.exitCode).toBe(0);
    expect(outcome.live).toEqual([]);
  });
});
