import { describe, expect, it } from 'vitest';
import { type CheckId, failed, notShown, passed } from '../../scripts/aws-check/catalog.ts';
import { type Cleanup, cleanUp } from '../../scripts/aws-check/cleanup.ts';
import { clockUntil } from '../../scripts/aws-check/pause.ts';
import { exitCodeOf, terminalText } from '../../scripts/aws-check/report.ts';
import { asks, NOW_MS, reply, SECRET } from './aws-check-run.ts';

const ONE = '01KA5ZQ3V4E9M7X2C8R1T6W0YA';
const TWO = '01KA5ZQ3V4E9M7X2C8R1T6W0YB';
const LIST = `GET /admin/leases?secret=${encodeURIComponent(SECRET)}&limit=100`;
const GONE = { [`DELETE /admin/secrets/${SECRET}`]: reply(200, {}) };
const page = (statuses: Readonly<Record<string, string>>, nextToken?: string) =>
  reply(200, {
    items: Object.entries(statuses).map(([id, status]) => ({ id, status })),
    ...(nextToken && { nextToken }),
  });

function clock(signal = new AbortController().signal) {
  let nowMs = NOW_MS;
  return clockUntil(
    signal,
    () => nowMs,
    async (ms) => {
      nowMs += ms;
    },
  );
}

describe('the cleanup of aws-check', () => {
  it('revokes what is open, waits for it, and deletes the secret last', async () => {
    const lists = [page({ [ONE]: 'active', [TWO]: 'revoked' }), page({ [ONE]: 'revoking', [TWO]: 'revoked' })];
    const admin = asks({ ...GONE, [LIST]: () => lists.shift() ?? page({ [ONE]: 'revoked', [TWO]: 'revoked' }) });
    expect(await cleanUp(admin, SECRET, clock())).toEqual({ leases: [], made: 2, isSecretLeft: false });
    const revoke = `DELETE /admin/leases/${ONE}`;
    expect(admin.asked).toEqual([LIST, revoke, LIST, revoke, LIST, LIST, `DELETE /admin/secrets/${SECRET}`]);
  });

  it('finds a lease that the list shows late, and those of further pages', async () => {
    const lists = [page({}), page({ [ONE]: 'active' }, 'next')];
    const admin = asks({
      ...GONE,
      [LIST]: () => lists.shift() ?? page({ [ONE]: 'revoked' }),
      [`${LIST}&nextToken=next`]: page({ [TWO]: 'active' }),
    });
    expect(await cleanUp(admin, SECRET, clock())).toMatchObject({ made: 2, leases: [TWO] });
    expect(admin.asked).toContain(`DELETE /admin/leases/${ONE}`);
    expect(admin.asked).toContain(`DELETE /admin/leases/${TWO}`);
  });

  it('counts a secret that was never made as gone', async () => {
    const admin = asks({ [LIST]: page({}) });
    expect(await cleanUp(admin, SECRET, clock())).toEqual({ leases: [], made: 0, isSecretLeft: false });
  });

  it.each<[string, Parameters<typeof asks>[0], string, readonly string[]]>([
    [
      'a lease that is not revoked in time',
      { ...GONE, [LIST]: page({ [ONE]: 'revoking' }) },
      'a lease was not revoked in time',
      [ONE],
    ],
    ['leases that cannot be listed', { ...GONE, [LIST]: reply(503, {}) }, 'a lease was not revoked in time', []],
    [
      'a secret that stays',
      { [LIST]: page({}), DELETE: reply(409, { code: 'leases_open' }) },
      'the DELETE of the secret answered 409 leases_open',
      [],
    ],
  ])('names %s', async (_, answers, problem, leases) => {
    expect(await cleanUp(asks(answers), SECRET, clock())).toMatchObject({ problem, leases, isSecretLeft: true });
  });

  it('ends when it is told to, and where nobody answers, and says so', async () => {
    const quit = new AbortController();
    quit.abort();
    const admin = asks({ ...GONE, [LIST]: page({ [ONE]: 'active' }) });
    expect(await cleanUp(admin, SECRET, clock(quit.signal))).toMatchObject({
      problem: 'the cleanup was interrupted',
      leases: [ONE],
      isSecretLeft: true,
    });
    const lost = async () => {
      throw Object.assign(new TypeError('fetch failed: canary'), { cause: { code: 'ECONNRESET' } });
    };
    expect(await cleanUp(lost, SECRET, clock())).toMatchObject({
      problem: 'a request failed (ECONNRESET)',
      isSecretLeft: true,
    });
  });
});

describe('the report of aws-check', () => {
  const CLEAN: Cleanup = { leases: [], made: 1, isSecretLeft: false };
  const LEFT: Cleanup = { leases: [ONE], made: 1, isSecretLeft: true, problem: 'a lease was not revoked in time' };
  const report = (findings: readonly [CheckId, ReturnType<typeof passed>][], more = {}) => ({
    endpoint: 'https://api.example.com/v1',
    secret: SECRET,
    findings: new Map(findings),
    cleanup: CLEAN,
    ...more,
  });

  it.each([
    [
      '0 where nothing failed, though something was not shown',
      report([
        ['mint', passed('')],
        ['timer', notShown('')],
      ]),
      0,
    ],
    ['1 where a check failed', report([['mint', failed('')]]), 1],
    ['1 where something is left', report([['mint', passed('')]], { cleanup: LEFT }), 1],
    ['3 where it ended early and nothing is left', report([], { stopped: 'The run was interrupted.' }), 3],
    [
      '1 where it ended early and something is left',
      report([], { stopped: 'The run was interrupted.', cleanup: LEFT }),
      1,
    ],
  ])('exits with %s', (_, given, code) => {
    expect(exitCodeOf(given)).toBe(code);
  });

  it('names each check, also those that did not run, and what is left', () => {
    const text = terminalText(report([['mint', passed('201 after 0.4 s.')]], { cleanup: LEFT }));
    expect(text).toContain('201 after 0.4 s.');
    expect(text.match(/not run/g)).toHaveLength(9);
    expect(text).toContain('1 passed, 0 failed, 0 not shown, 8 not run.');
    expect(text).toContain('The cleanup ended early: a lease was not revoked in time.');
    expect(text).toContain(`LEFT: lease ${ONE}. Revoke it: hublease revoke ${ONE}.`);
    expect(text).toContain(`LEFT: secret ${SECRET}, perhaps. Delete it: hublease secrets delete ${SECRET}.`);
  });
});
