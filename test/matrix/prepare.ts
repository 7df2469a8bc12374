import type { VariationName } from '../../fake-hub/variations.ts';
import { replaceCredential } from './orders.ts';
import { LOGIN_FAILURE_LIMIT, type MatrixWorld } from './world.ts';

const DAY_MS = 86_400_000;

/** Brings about what some variations need beside the fake's settings. */
export async function prepare(world: MatrixWorld, name: VariationName): Promise<void> {
  if (name === 'lock-401') await lockOut(world);
  if (name === 'pat-403-other') useAccessToken(world);
}

/** Somebody tries passwords until Docker Hub locks the user name. */
async function lockOut(world: MatrixWorld): Promise<void> {
  const { hub } = world.portsOf('owner');
  const wrong = { ...world.ownCredential, password: 'a-wrong-password' };
  for (let tries = 0; tries < LOGIN_FAILURE_LIMIT; tries++) {
    await world.run(hub.login(wrong, 'auth-token', world.time.nowMs()));
  }
}

/** The target's credential is an access token. */
function useAccessToken(world: MatrixWorld): void {
  const { token: password } = world.hub.control.createForeignToken({
    ...world.place,
    label: 'used as a credential',
    scopes: ['repo:admin'],
    createdAtMs: world.time.nowMs() - DAY_MS,
  });
  world.credential = { username: world.ownCredential.username, password };
  replaceCredential(world);
}
