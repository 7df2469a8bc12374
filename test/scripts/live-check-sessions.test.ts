import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FakeHub } from '../../fake-hub/server.ts';
import { everythingSaid, PASSWORD, runLiveCheck, USERNAME } from './live-check-world.ts';

/** A session as a device login gives one: the fake's own, of that account. */
async function sessionOf(fake: FakeHub, username: string): Promise<string> {
  const answer = await fetch(`${fake.url}/v2/users/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }),
  });
  return ((await answer.json()) as { token: string }).token;
}

describe('a session of a device login', () => {
  it('lists and creates, and its token is deleted', async () => {
    const outcome = await runLiveCheck({
      prepare: async (fake) => ({ HUBLEASE_LIVE_DEVICE_SESSION: await sessionOf(fake, USERNAME) }),
    });
    expect(outcome.answers['account:device-session']?.answer).toBe(
      'The list answers 200; a create answers status 201.',
    );
    expect(outcome).toMatchObject({ exitCode: 0, live: [] });
    expect(everythingSaid(outcome)).not.toMatch(/eyJ/);
  });

  it.each([
    ['of another account', (fake: FakeHub) => sessionOf(fake, 'bystander')],
    ['that says of no account', async () => 'canary-session'],
  ])('%s is not used: the cleanup could not see its tokens', async (_, session) => {
    const outcome = await runLiveCheck({
      otherAccount: 'bystander',
      prepare: async (fake) => ({ HUBLEASE_LIVE_DEVICE_SESSION: await session(fake) }),
    });
    expect(outcome.answers['account:device-session']?.answer).toBe('Not asked: the session is not of this account.');
    expect(outcome.control.tokens().filter(({ account }) => account === 'bystander')).toEqual([]);
    expect(everythingSaid(outcome)).not.toMatch(/eyJ|canary/);
  });

  it('is not asked for unless it is given', async () => {
    expect((await runLiveCheck({ stopAt: 3 })).answers['account:device-session']).toBeUndefined();
  });
});

describe('a refresh token of auth.docker.io', () => {
  /** An exchange like Docker's that also gives refresh tokens, which the fake's does not. */
  async function startAuth(fake: FakeHub, outlives: number): Promise<string> {
    let refreshed = 0;
    const server = createServer((request, response) => {
      const send = (status: number, body: object) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      const given = { token: 'canary-bearer', expires_in: 60, refresh_token: 'canary-refresh-token' };
      if (request.method === 'POST') {
        // Counted in requests: this server has no clock.
        refreshed++;
        return void send(refreshed > outlives ? 401 : 200, refreshed > outlives ? {} : given);
      }
      const basic = Buffer.from((request.headers.authorization ?? '').slice('Basic '.length), 'base64').toString();
      const isOffline = request.url?.includes('offline_token=true') === true;
      const isLive = fake.control.logsIn(basic.slice(basic.indexOf(':') + 1));
      const { refresh_token: _, ...bearer } = given;
      return void send(isLive ? 200 : 401, isLive ? (isOffline ? given : bearer) : {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it.each([
    ['that ends with its token', 0, /no refresh token outlives a lease/],
    ['that outlives its token', 5, /outlives its lease/],
    ['that never ends', 1_000, /outlives its lease/],
  ])('%s is told apart', async (_, outlives, changes) => {
    const outcome = await runLiveCheck({
      prepare: async (fake) => ({ HUBLEASE_LIVE_AUTH: await startAuth(fake, outlives) }),
    });
    expect(outcome.answers['personal:refresh-after']?.changes).toMatch(changes);
    expect(outcome.answers['personal:refresh-after']?.facts).toMatchObject({ given: true });
    expect(outcome).toMatchObject({ exitCode: 0, live: [] });
    expect(everythingSaid(outcome)).not.toContain('canary');
  });
});
