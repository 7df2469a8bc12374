import { answerText, textIn } from '../ask.ts';
import { type Finding, failed, notShown, passed } from '../catalog.ts';
import type { Run } from '../run.ts';

/** Unique ids of roles and users. Source: AWS IAM User Guide, "IAM identifiers". */
const UNIQUE_ID = /^(?:AROA|AIDA)[A-Z0-9]{12,124}$/;

/** A principal with every permission in an account that is no consumer gets nothing. */
export async function foreignDenied({ foreign, secret }: Run): Promise<Finding> {
  if (foreign === undefined) {
    return notShown('Set HUBLEASE_AWS_CHECK_FOREIGN_PROFILE to a profile of an account that is no consumer.');
  }
  const asked = [
    ['GET', '/whoami'],
    ['POST', `/lease/${secret}`],
    ['GET', '/admin/secrets'],
  ] as const;
  const answers: string[] = [];
  for (const [method, path] of asked) {
    const reply = await foreign(method, path, method === 'POST' ? {} : undefined);
    if (!isDeniedByGateway(reply.status, textIn(reply.body, 'code'))) {
      return failed(
        `${method} ${path.replace(secret, 'SECRET')} answered ${answerText(reply)}, expected 403 access_denied.`,
      );
    }
    answers.push(`${method} ${path.replace(secret, 'SECRET')}`);
  }
  return passed(`403 access_denied for ${answers.join(', ')}.`);
}

/** A consumer, whose own whoami is answered, gets no admin route. */
export async function adminDenied({ consumer, secret }: Run): Promise<Finding> {
  if (consumer === undefined) return notShown(NO_CONSUMER);
  const whoami = await consumer('GET', '/whoami');
  if (whoami.status !== 200) {
    return notShown(`The consumer's own whoami answered ${answerText(whoami)}, so a denial would show nothing.`);
  }
  const asked = [
    ['GET', '/admin/secrets'],
    ['GET', `/admin/secrets/${secret}`],
    ['DELETE', `/admin/secrets/${secret}`],
    ['GET', '/admin/leases'],
  ] as const;
  for (const [method, path] of asked) {
    const reply = await consumer(method, path);
    if (!isDeniedByGateway(reply.status, textIn(reply.body, 'code'))) {
      return failed(
        `${method} ${path.replace(secret, 'SECRET')} answered ${answerText(reply)}, expected 403 access_denied.`,
      );
    }
  }
  return passed(`whoami is answered, and ${asked.length} admin requests got 403 access_denied.`);
}

/** What API Gateway says of the principal itself: the id is what pins an identity whose role was made anew. */
export async function callerId({ admin, consumer }: Run): Promise<Finding> {
  const own = await idOf(admin);
  if (own === undefined) return notShown("This installation's whoami shows no id.");
  if (!UNIQUE_ID.test(own)) return failed('The id of the own caller has another form than AROA… or AIDA….');
  if (consumer === undefined) return notShown(`Shown within the account. ${NO_CONSUMER}`);
  const other = await idOf(consumer);
  if (other === undefined)
    return failed('The id is shown within the account, and not for the consumer of another one.');
  if (!UNIQUE_ID.test(other)) return failed("The id of the consumer's caller has another form than AROA… or AIDA….");
  return passed(`${own.slice(0, 4)}… within the account, ${other.slice(0, 4)}… across accounts.`);
}

const NO_CONSUMER = 'Set HUBLEASE_AWS_CHECK_CONSUMER_PROFILE to a profile of a consumer in another account.';

async function idOf(ask: Run['admin']): Promise<string | undefined> {
  const { status, body } = await ask('GET', '/whoami');
  if (status !== 200) return undefined;
  return textIn(body, 'caller.id') ?? textIn(body, 'callerId') ?? textIn(body, 'caller.callerId');
}

/** By its own answer, not by one that the function behind it gave. */
function isDeniedByGateway(status: number, code: string | undefined): boolean {
  return status === 403 && code === 'access_denied';
}
