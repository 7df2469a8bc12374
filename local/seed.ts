import type { FakeAccount } from '../fake-hub/options.ts';
import { putSecret } from '../functions/core/catalog/secrets.ts';
import { putTarget } from '../functions/core/catalog/targets.ts';
import type { Origin } from '../functions/core/model/caller.ts';
import type { AdminPorts } from '../functions/core/ports/needs.ts';

/** The bundled fake's one account. Its password opens nothing but the fake, which listens on this machine only. */
export const DEMO_ACCOUNT: FakeAccount = { username: 'demo', password: 'password-of-the-bundled-fake' };

const ORIGIN: Origin = {
  caller: { arn: 'arn:aws:iam::000000000000:role/admin', accountId: '000000000000' },
  requestId: 'first-start',
};

/** Puts something to lease into an empty catalog: target `demo`, secrets `demo/pull` and `demo/push`, for `hublease-ci`. */
export async function seedDemo(ports: AdminPorts): Promise<void> {
  if ((await ports.catalog.getTarget('demo')) === undefined) {
    const { username, password } = DEMO_ACCOUNT;
    await putTarget(ports, ORIGIN, { name: 'demo', kind: 'user', credential: { username, password }, verify: true });
  }
  for (const [name, scope] of [
    ['demo/pull', 'repo:read'],
    ['demo/push', 'repo:write'],
  ] as const) {
    if ((await ports.catalog.getSecret(name)) !== undefined) continue;
    await putSecret(ports, ORIGIN, {
      name,
      target: 'demo',
      scope,
      defaultTtlSeconds: 900,
      maxTtlSeconds: 3_600,
      allow: ['arn:aws:iam::111122223333:role/ci'],
      description: 'Made at the first start, to try hublease on the bundled fake Docker Hub.',
    });
  }
}
