import type { LoginRoute } from '../../../functions/core/model/target.ts';
import type { Run } from '../run.ts';
import type { LoginAttempt } from '../sessions.ts';
import { Stopped } from '../stop.ts';
import { duration, refusal } from '../words.ts';

/** hublease believes no longer life. */
const BELIEVED_SECONDS = 3_600;

const ROUTES = [
  ['auth-token', 'login-auth-token', '/v2/auth/token'],
  ['users-login', 'login-users-login', '/v2/users/login'],
] as const;

/**
 * Logs in by both routes. The run goes on with the first that gave a session.
 *
 * @throws Stopped when neither did.
 */
export async function askLogins(run: Run): Promise<void> {
  const attempts = new Map<LoginRoute, LoginAttempt>();
  for (const [route] of ROUTES) {
    const attempt = await run.sessions.attemptTwice(route);
    attempts.set(route, attempt);
    if (attempt.reply.ok && run.sessions.route === undefined) run.sessions.use(route, attempt.reply.value);
    answerRoutes(run, attempts);
  }
  answerSecondFactor(run, attempts);
  answerLife(run, attempts);
  if (run.sessions.route === undefined) throw new Stopped({ kind: 'no_session' });
}

/** Again with each attempt: what one route says changes with the other. */
function answerRoutes(run: Run, attempts: ReadonlyMap<LoginRoute, LoginAttempt>): void {
  const opening = ROUTES.find(([route]) => attempts.get(route)?.reply.ok)?.[0];
  for (const [route, id, path] of ROUTES) {
    const attempt = attempts.get(route);
    if (attempt === undefined) continue;
    run.answers.add('account', id, sayAttempt(attempt), changeOf(route, attempt, opening), {
      path,
      status: attempt.steps.at(0)?.status ?? null,
      opened: attempt.reply.ok,
      ticket: attempt.steps.some(({ hasTicket }) => hasTicket),
    });
  }
}

function sayAttempt({ reply, steps }: LoginAttempt): string {
  const statuses = steps.map(({ path, status }) => `${path} ${status}`).join(', then ');
  if (reply.ok) return `Opens a session (${statuses}).`;
  if (reply.problem.tag === 'second_factor_needed') return `Asks for the second factor (${statuses}).`;
  return `Opens no session: ${refusal(reply)}.`;
}

function changeOf(route: LoginRoute, { reply }: LoginAttempt, opening: LoginRoute | undefined): string {
  if (reply.ok) return `A target of such an account can have loginRoute ${route}.`;
  const { problem } = reply;
  if (problem.tag === 'second_factor_needed') return 'Such an account needs its TOTP secret in the target.';
  if (problem.tag === 'fault' && problem.code === 'edge') {
    return 'It says nothing of the account: all callers of hublease back off together.';
  }
  if (problem.tag === 'fault') return 'hublease cannot read such an answer, and tries again later.';
  return opening === undefined
    ? 'No target can be made of this account.'
    : `Such a target needs loginRoute ${opening}.`;
}

function answerSecondFactor(run: Run, attempts: ReadonlyMap<LoginRoute, LoginAttempt>): void {
  const all = [...attempts.values()];
  const asking = all.flatMap(({ steps }) => steps).find(({ hasTicket }) => hasTicket);
  const hasSecret = run.sessions.credential.totpSecret !== undefined;
  const about = (answer: string, changes: string, asked: boolean) =>
    run.answers.add('account', 'second-factor', answer, changes, { asked, totpSecretGiven: hasSecret });
  if (asking === undefined) {
    about('Docker Hub asks for none.', 'Nothing: ask again with an account that has one.', false);
    return;
  }
  const onAuthToken = attempts.get('auth-token')?.steps.some(({ hasTicket }) => hasTicket) === true;
  const opened = all.some(({ reply, steps }) => reply.ok && steps.length > 1);
  const secret = hasSecret
    ? `With the TOTP secret the second step opens ${opened ? 'a' : 'no'} session.`
    : 'No TOTP secret was given.';
  about(
    `${asking.path} answers ${asking.status} with a ticket; /v2/auth/token gives ${onAuthToken ? 'one too' : 'none'}. ${secret}`,
    'hublease takes the ticket under any status, on users-login alone.',
    true,
  );
}

function answerLife(run: Run, attempts: ReadonlyMap<LoginRoute, LoginAttempt>): void {
  const lives = ROUTES.flatMap(([route, , path]) => {
    const attempt = attempts.get(route);
    if (attempt?.reply.ok !== true) return [];
    const { lifeSeconds } = attempt;
    return [{ path, lifeSeconds, text: lifeSeconds === undefined ? 'not told' : duration(lifeSeconds * 1_000) }];
  });
  if (lives.length === 0) return;
  const longest = Math.max(...lives.map(({ lifeSeconds = 0 }) => lifeSeconds));
  run.answers.add(
    'account',
    'session-life',
    `${lives.map(({ path, text }) => `${path}: ${text}`).join('; ')}.`,
    longest > BELIEVED_SECONDS
      ? `hublease keeps a session for ${duration(BELIEVED_SECONDS * 1_000)} at most.`
      : 'hublease keeps a session for that long.',
    Object.fromEntries(lives.map(({ path, lifeSeconds = null }) => [path, lifeSeconds])),
  );
}
