import { answerText, textIn } from '../ask.ts';
import { type Finding, failed, notShown, passed } from '../catalog.ts';
import type { Run } from '../run.ts';

/** A 2xx minted, a 429 did not look at the path, and a 5xx means that something behind the front door broke on it. */
const REFUSALS = [400, 403, 404];

/**
 * Sends the mint under other spellings of its path. IAM policies match a path as it is sent, so a second spelling that also minted
 * would be a way around them. Only AWS shows what API Gateway does with `%2F` and letter case before it asks IAM and the function.
 */
export async function paths(run: Run): Promise<Finding> {
  const { secret } = run;
  const spellings = [
    `/lease/${secret.replace('/', '%2F')}`,
    `/lease/${secret.replace('/', '%2f')}`,
    `/lease/${secret.replace('a', '%61')}`,
    `/lease/${secret.replace('/', '//')}`,
    `/lease/${secret}/`,
    `/lease/${secret.toUpperCase()}`,
    `/Lease/${secret}`,
  ];
  const answers: string[] = [];
  const wrong: string[] = [];
  const unsigned: string[] = [];
  for (const path of spellings) {
    const reply = await run.admin('POST', path, { ttl: run.ttl, reason: 'npm run aws-check, paths' });
    const answer = `${shown(path, secret)}: ${answerText(reply)}`;
    answers.push(answer);
    if (!REFUSALS.includes(reply.status)) wrong.push(answer);
    if (textIn(reply.body, 'code') === 'signature_mismatch') unsigned.push(answer);
  }
  if (wrong.length === 0 && unsigned.length > 0) {
    return notShown(
      `API Gateway reads these otherwise than they were signed, so nothing looked at them: ${unsigned.join('; ')}.`,
    );
  }
  return wrong.length > 0
    ? failed(`Not refused as they should be: ${wrong.join('; ')}.`)
    : passed(`All ${spellings.length} were refused: ${answers.join('; ')}.`);
}

/** The id of the run says nothing to a reader. */
function shown(path: string, secret: string): string {
  const runId = secret.slice(secret.indexOf('/') + 1);
  return path.replace(runId, 'RUN').replace(runId.toUpperCase(), 'RUN');
}
