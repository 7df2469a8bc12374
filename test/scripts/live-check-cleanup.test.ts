import { describe, expect, it } from 'vitest';
import { runLiveCheck } from './live-check-world.ts';

const LOST = [{ route: 'pat-create', kind: 'reset-after', count: 1 }] as const;
/** Too short for the mark of a run. */
const CUT = { maxLabelCharacters: 20, labelTooLong: 'cut' } as const;

describe('the cleanup', () => {
  it.each([6, 12, 40])('leaves nothing where a session lives for %i s', async (sessionSeconds) => {
    const outcome = await runLiveCheck({ settings: { sessionSeconds } });
    expect(outcome).toMatchObject({ exitCode: 0, live: [] });
  });

  it('leaves nothing where the sessions end while it runs', async () => {
    const outcome = await runLiveCheck({
      onRequest: (count, { control }) => {
        if (count % 25 === 0) control.endSessions();
      },
    });
    expect(outcome.live).toEqual([]);
    expect(outcome.exitCode).toBe(0);
  });

  it('finds a token whose create had no answer by its label', async () => {
    const outcome = await runLiveCheck({ faults: LOST, settings: { creatorUa: 'absent' } });
    expect(outcome).toMatchObject({ exitCode: 0, live: [] });
  });

  it('finds it by its User-Agent where the label was cut', async () => {
    const outcome = await runLiveCheck({ faults: LOST, settings: CUT });
    expect(outcome).toMatchObject({ exitCode: 0, live: [] });
  });

  it('names it as unclear where neither was kept, and does not touch it', async () => {
    const outcome = await runLiveCheck({ faults: LOST, settings: { ...CUT, creatorUa: 'absent' } });
    expect(outcome.live).toHaveLength(1);
    expect(outcome.printed).toContain(`UNCLEAR: token ${outcome.live.at(0)?.id}`);
    expect(outcome.exitCode).toBe(1);
  });

  it('waits for a list that may lag before it believes that a lost create made nothing', async () => {
    const outcome = await runLiveCheck({
      stopAt: 10,
      faults: [{ route: 'pat-create', kind: 'reset-before', count: 1 }],
    });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.spentMs).toBeGreaterThan(900_000);
    expect(outcome.answers['personal:refused-creates']?.facts).toMatchObject({ unclear: 1, unclearMade: 0 });
  });

  it('finds a lost create that the list shows only after 5 minutes', async () => {
    const outcome = await runLiveCheck({ variation: 'lost-1h-list-lags-300', stopAt: 10 });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.control.deletions().length).toBeGreaterThan(0);
  });

  it('does not believe a 204 while the list shows the token active', async () => {
    const outcome = await runLiveCheck({ settings: { deleteStatus: 204, deleteDelayMs: null } });
    expect(outcome.live.length).toBeGreaterThan(0);
    expect(outcome.exitCode).toBe(1);
    for (const { id } of outcome.live) expect(outcome.printed).toContain(id);
  });

  it('says that nothing is proven where the last list is not complete', async () => {
    const outcome = await runLiveCheck({
      onRequest: (_, { control }) => {
        if (control.calls().creates === 5) control.set({ countHidden: 2 });
      },
    });
    expect(outcome.live).toEqual([]);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.printed).toContain('does not prove it');
  });

  it('takes the time that many tokens need', async () => {
    const outcome = await runLiveCheck({
      variation: 'always-202',
      env: { HUBLEASE_LIVE_MANY_TOKENS: 'yes' },
      // Before the questions delete them.
      stopWhen: ({ control }) => control.tokens().filter(({ live }) => live).length > 100,
    });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.printed).toMatch(/1\d\d tokens made/);
  });

  it('spends no code of the second factor twice', async () => {
    const outcome = await runLiveCheck({ hasSecondFactor: true, stopAt: 16 });
    expect(outcome.control.calls().logins.throwaway?.failed).toBe(0);
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
  });

  it('leaves tokens of former runs alone, and mentions them', async () => {
    const outcome = await runLiveCheck({
      prepare: async ({ control }) => {
        control.createForeignToken({
          account: 'throwaway',
          kind: 'pat',
          label: 'hublease-live-check zzzzzzzz 01 first',
        });
        return {};
      },
    });
    expect(outcome.answers['personal:list-before']?.answer).toContain('1 of former live checks');
    expect(outcome.foreign.map(({ live }) => live)).toEqual([true, true]);
    expect(outcome.exitCode).toBe(0);
  });
});
