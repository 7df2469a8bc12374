import type { Dispatcher } from 'undici';
import { readsDead } from './rule.ts';
import type { MatrixWorld } from './world.ts';

const TAKEN = 200;
const REFUSED = 401;

/** A token that a caller was answered. */
interface Answered {
  readonly leaseId: string;
  readonly token: string;
}

/**
 * Uses the tokens that were answered at `auth.docker.io`, as `docker login` does: a new one has to be taken, and one whose lease reads
 * `revoked` has to be refused, each once the lag that Docker Hub states is over.
 */
export class Exchanges {
  readonly #world: MatrixWorld;
  readonly #dispatcher: Dispatcher;
  readonly #alive: Answered[] = [];

  constructor(world: MatrixWorld, dispatcher: Dispatcher) {
    this.#world = world;
    this.#dispatcher = dispatcher;
  }

  /** Uses a new token, and every time when it is asked for afterwards. */
  async begin(answered: Answered): Promise<void> {
    const { time, hub, rule } = this.#world;
    await time.sleep(hub.control.settings().registryNewLagMs);
    const status = await this.#use(answered.token);
    if (status === REFUSED) rule.breaks(answered.leaseId, 'a token that was answered opens nothing');
    this.#alive.push(answered);
  }

  /** Uses each token whose lease reads `revoked`, until it was refused. */
  async again(): Promise<void> {
    const { time, hub, rule, leases } = this.#world;
    for (const answered of [...this.#alive]) {
      const lease = leases.rows.get(answered.leaseId);
      if (lease === undefined || !readsDead(lease)) continue;
      const overMs = (lease.revokedAtMs as number) + hub.control.settings().registryGoneLagMs;
      const status = await this.#use(answered.token);
      if (status === TAKEN && time.nowMs() >= overMs)
        rule.breaks(lease.id, `the token of lease ${lease.id} is still taken`);
      if (status === REFUSED) this.#alive.splice(this.#alive.indexOf(answered), 1);
    }
  }

  /** The status of an exchange; 429 while the user name is locked. */
  #use(token: string): Promise<number> {
    const { hub, place, time } = this.#world;
    const ask = async () => {
      const { statusCode, body } = await this.#dispatcher.request({
        origin: hub.url,
        path: '/token?service=registry.docker.io',
        method: 'GET',
        headers: { authorization: `Basic ${Buffer.from(`${place.account}:${token}`).toString('base64')}` },
      });
      await body.dump();
      return statusCode;
    };
    return time.hold(ask());
  }
}
