import type { Place } from '../place.ts';
import type { Run } from '../run.ts';
import { refusal } from '../words.ts';
import type { FirstToken } from './new-token.ts';

/** Opens a session with a personal token in place of the password, and asks for the list with it. */
export async function askTokenSession(run: Run, place: Place, { value }: FirstToken): Promise<void> {
  const { username } = run.sessions.credential;
  const { reply } = await run.sessions.attemptTwice('auth-token', { username, password: value });
  if (!reply.ok) {
    answer(
      run,
      place,
      `A token opens no session: ${refusal(reply)}.`,
      'Nothing: a credential must be a password.',
      null,
    );
    return;
  }
  const list = await run.api.listWith(reply.value, place);
  if (list.ok) {
    answer(run, place, 'The list answers 200.', 'A token might serve as the credential of a target: tell us.', true);
    return;
  }
  const isKnown = list.problem.tag === 'access_token_session';
  answer(
    run,
    place,
    `The list answers ${refusal(list)}.`,
    isKnown
      ? 'Nothing: hublease knows these words, and asks for the password.'
      : 'hublease does not know these words: it names the wrong cause for such a credential.',
    false,
  );
}

function answer(run: Run, place: Place, said: string, changes: string, allowed: boolean | null): void {
  run.answers.add(place.name, 'token-session', said, changes, { allowed });
}
