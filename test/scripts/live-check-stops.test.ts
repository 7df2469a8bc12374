import { describe, expect, it } from 'vitest';
import type { FakeHub } from '../../fake-hub/server.ts';
import { expectNamed } from './live-check-promise.ts';
import { type Outcome, PASSWORD, runLiveCheck, USERNAME } from './live-check-world.ts';

/** Runs something once, when the fake has made that many tokens. */
function afterCreates(creates: number, work: (fake: FakeHub) => void) {
  let isDone = false;
  return (_: number, fake: FakeHub) => {
    if (isDone || fake.control.calls().creates < creates) return;
    isDone = true;
    work(fake);
  };
}

function notAsked({ answers }: Outcome): readonly string[] {
  return Object.keys(answers).filter((id) => answers[id]?.answer === undefined);
}

describe('the live check stops asking', () => {
  it('at the first 429, and deletes only after the wait that Docker Hub asked for', async () => {
    let lastCalls = 0;
    let throttledAtMs = 0;
    const outcome = await runLiveCheck({
      onRequest: afterCreates(3, ({ control }) => {
        lastCalls = control.calls().creates;
        control.setFaults([{ route: '*', kind: 'throttle', retryAfterSeconds: 240, count: 1 }]);
        throttledAtMs = Math.max(...control.tokens().map(({ createdAtMs }) => createdAtMs));
      }),
    });
    const { control } = outcome;
    expect(control.calls().creates).toBe(lastCalls);
    expect(
      Math.min(
        ...control
          .deletions()
          .slice(-1)
          .map(({ atMs }) => atMs),
      ),
    ).toBeGreaterThan(throttledAtMs + 240_000);
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.printed).toContain('Docker Hub answered 429, so no more questions were asked.');
    expect(notAsked(outcome).length).toBeGreaterThan(5);
  });

  it('and waits no longer than 15 minutes, whatever is asked for', async () => {
    const outcome = await runLiveCheck({
      onRequest: afterCreates(1, ({ control }) =>
        control.setFaults([{ route: '*', kind: 'throttle', retryAfterSeconds: 86_400, count: 1 }]),
      ),
    });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.spentMs).toBeLessThan(1_000_000);
  });

  it('and ends where Docker Hub refuses every request, with each token named', async () => {
    const outcome = await runLiveCheck({
      onRequest: afterCreates(1, ({ control }) =>
        control.setFaults([{ route: '*', kind: 'throttle', retryAfterSeconds: 60 }]),
      ),
    });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.live).toHaveLength(1);
    expect(outcome.spentMs).toBeLessThan(900_000);
    expectNamed(outcome);
  });

  it('when both routes refuse the password, after one login on each', async () => {
    const outcome = await runLiveCheck({ env: { HUBLEASE_LIVE_PASSWORD: 'canary-wrong-password' } });
    expect(outcome.control.calls().logins[USERNAME]).toEqual({ succeeded: 0, failed: 2 });
    expect(outcome.exitCode).toBe(3);
    expect(outcome.printed).toContain('No login route gave a session for this account.');
  });

  it('at the third refused login, and tries one more for its cleanup', async () => {
    const outcome = await runLiveCheck({
      onRequest: afterCreates(2, ({ control }) => {
        control.setPassword(USERNAME, `${PASSWORD}-changed`);
        control.endSessions();
      }),
    });
    expect(outcome.control.calls().logins[USERNAME]?.failed).toBe(4);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.live).toHaveLength(1);
    expect(outcome.printed).toContain('Docker Hub refused three logins');
    expect(outcome.printed).toContain('No new login was accepted for the cleanup.');
    expectNamed(outcome);
  });

  it('but goes on deleting by the session it has where the password was changed', async () => {
    const outcome = await runLiveCheck({
      stopAt: 50,
      onRequest: afterCreates(2, ({ control }) => control.setPassword(USERNAME, `${PASSWORD}-changed`)),
    });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.printed).toContain('No new login was accepted for the cleanup.');
  });

  it('when nobody answers any more', async () => {
    const outcome = await runLiveCheck({
      onRequest: afterCreates(1, ({ control }) => control.setFaults([{ route: '*', kind: 'reset-before', count: 5 }])),
    });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.printed).toContain('Several requests in a row got no answer.');
  });

  it('when it fails by itself, and deletes what it made', async () => {
    let hasFailed = false;
    const outcome = await runLiveCheck({
      onTell: (text) => {
        if (hasFailed || !text.includes('longest label')) return;
        hasFailed = true;
        throw new Error(`cannot say ${PASSWORD}`);
      },
    });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.printed).toContain('The live check failed: cannot say [secret]');
  });

  it('makes no second token where the first outlived its DELETE', async () => {
    const outcome = await runLiveCheck({ variation: 'delete-202-never' });
    expect(outcome.control.calls().creates).toBe(1);
    expect(outcome.answers['personal:delete-status']?.answer).toBe('Status 202.');
    expectNamed(outcome);
    // Docker Hub has accepted it; sending it again would change nothing.
    expect(outcome.control.calls().routes['pat-delete']).toBe(1);
  });

  it('and waits for nothing where DELETE is refused', async () => {
    const outcome = await runLiveCheck({ variation: 'expired-never' });
    expect(outcome.control.calls().creates).toBe(1);
    expect(outcome.spentMs).toBeLessThan(600_000);
    expectNamed(outcome);
  });

  it('makes no token at all where the list cannot be read', async () => {
    const { control, exitCode } = await runLiveCheck({ faults: [{ route: 'pat-list', kind: 'server-error' }] });
    expect(control.calls().creates).toBe(0);
    expect(exitCode).toBe(3);
  });
});

describe('interrupted', () => {
  it('says what it knows so far, and deletes what it made', async () => {
    const outcome = await runLiveCheck({ stopAt: 40 });
    expect(outcome).toMatchObject({ exitCode: 3, live: [] });
    expect(outcome.answers['personal:delete-status']?.answer).toBe('Status 204.');
    expect(outcome.printed).toContain('The run was interrupted.');
    expect(outcome.printed).toMatch(/PATCH with scopes\s+│ not asked/);
  });

  it('asks for nothing more than its cleanup needs', async () => {
    const stopAt = 40;
    const { requests } = await runLiveCheck({ stopAt });
    expect(requests - stopAt).toBeLessThan(10);
  });

  it('a second time ends the cleanup, with each token named', async () => {
    const outcome = await runLiveCheck({ variation: 'delete-202-late-60', stopAt: 30, quitAt: 34 });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.live.length).toBeGreaterThan(0);
    expect(outcome.requests).toBe(34);
    expectNamed(outcome);
  });
});
