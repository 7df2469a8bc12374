import { property } from '../../../functions/adapters/docker-hub/json.ts';
import { claimsOf } from '../../../functions/adapters/docker-hub/login.ts';
import type { HubSession } from '../../../functions/core/ports/docker-hub.ts';
import type { Place } from '../place.ts';
import { tidy } from '../removal.ts';
import type { Run } from '../run.ts';
import { refusal } from '../words.ts';

const CHANGES = 'If it may, accounts under enforced SSO have a way to mint; hublease does not take it yet.';

/** Lists and creates with a session that a device login gave, where the owner handed one over. */
export async function askDevice(run: Run, place: Place, bearer: string): Promise<void> {
  const account = run.sessions.credential.username.toLowerCase();
  const name = property(property(claimsOf(bearer), 'https://hub.docker.com'), 'username');
  // A token of another account would be out of the cleanup's reach.
  if (typeof name !== 'string' || name.toLowerCase() !== account) {
    run.answers.add('account', 'device-session', 'Not asked: the session is not of this account.', CHANGES);
    return;
  }
  const session: HubSession = { account, bearer, expiresAtMs: Number.POSITIVE_INFINITY };
  const list = await run.api.listWith(session, place);
  const { made, reply } = await run.api.create(place, 'device', { session });
  run.answers.add(
    'account',
    'device-session',
    `The list answers ${list.ok ? '200' : refusal(list)}; a create answers ${reply.ok ? `status ${reply.meta.httpStatus}` : refusal(reply)}.`,
    CHANGES,
    { listed: list.ok, created: reply.ok },
  );
  await tidy(run, place, [made]);
}
