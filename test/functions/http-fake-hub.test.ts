import { beforeEach, describe, expect, it } from 'vitest';
import { broker } from '../../functions/broker.ts';
import { jsonLines } from '../../functions/log.ts';
import { Api, expectContract } from './api.ts';
import { proxyEvent, type Sent } from './proxy-event.ts';

/** The callers' routes as an edition with a bundled fake answers them. */
class FakeApi extends Api {
  override async send(sent: Sent) {
    if (sent.path?.startsWith('/v1/admin') === true) return super.send(sent);
    const log = jsonLines({ write: (line) => this.lines.push(line) }, this.ports.clock);
    const result = await broker(this.ports, log, { isFake: true })(proxyEvent(sent));
    return { status: result.statusCode, body: JSON.parse(result.body), result };
  }
}

let fake: Api;
let real: Api;
beforeEach(async () => {
  fake = await new FakeApi().seed();
  real = await new Api().seed();
});

describe('that Docker Hub is the bundled fake', () => {
  it('is said with every token, and to whoami', async () => {
    const [leased, who] = [await fake.lease(), await fake.send({ path: '/v1/whoami' })];
    expectContract('mintLease', leased);
    expectContract('whoami', who);
    expect(leased.body.credential).toMatchObject({
      registry: 'docker.io',
      fakeHub: true,
      password: expect.any(String),
    });
    expect(who.body.fakeHub).toBe(true);
  });

  it('is no member of the answers with any other Docker Hub', async () => {
    const [leased, who] = [await real.lease(), await real.send({ path: '/v1/whoami' })];
    expect(Object.keys(leased.body.credential)).toEqual(['registry', 'username', 'password']);
    expect(Object.keys(who.body)).toEqual(['caller', 'secrets']);
  });
});
