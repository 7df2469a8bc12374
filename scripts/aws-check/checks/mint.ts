import { answerText, member, textIn } from '../ask.ts';
import { type Finding, failed, passed } from '../catalog.ts';
import type { Leased, Run } from '../run.ts';

/** As Docker makes them; the fake's have the same form. */
const TOKEN = /^dckr_(?:pat|oat)_[\w-]{20,}$/;

/** Public repositories alone: a token of this run can reach nothing that is not public already. */
const USER_SCOPE = { scope: 'repo:public_read' };
const ORG_SCOPE = { resources: [{ type: 'TYPE_REPO', path: '*/*/public', scopes: ['scope-image-pull'] }] };

/** The run cannot go on: without a secret of its own it has nothing to lease from. */
export class NoSecret extends Error {}

/**
 * Makes the secret of this run, which lists the admin alone.
 *
 * @param sending called just before the request that makes it.
 * @throws NoSecret with the status that stood in the way.
 */
export async function makeSecret(run: Run, sending: () => void): Promise<void> {
  const whoami = await run.admin('GET', '/whoami');
  const arn = textIn(whoami.body, 'caller.arn');
  if (whoami.status !== 200 || arn === undefined) throw new NoSecret(`GET whoami answered ${answerText(whoami)}`);
  const target = await run.admin('GET', `/admin/targets/${run.target}`);
  if (target.status !== 200) throw new NoSecret(`GET of target "${run.target}" answered ${answerText(target)}`);
  const order = textIn(target.body, 'target.kind') === 'org' ? ORG_SCOPE : USER_SCOPE;
  sending();
  const put = await run.admin('PUT', `/admin/secrets/${run.secret}`, {
    target: run.target,
    ...order,
    defaultTtl: run.ttl,
    maxTtl: run.ttl,
    allow: [allowEntry(arn)],
    description: 'npm run aws-check; may be deleted',
  });
  if (put.status !== 201) throw new NoSecret(`PUT of secret "${run.secret}" answered ${answerText(put)}`);
}

/** A secret lists roles and accounts; a user's requests count for the account. */
function allowEntry(arn: string): string {
  return arn.includes(':role/') ? arn : arn.replace(/:(?:user|federated-user)\/.*$/, ':root');
}

/** Mints the lease that the later checks watch. */
export async function mint(run: Run): Promise<{ readonly finding: Finding; readonly leased?: Leased }> {
  const sentAtMs = run.clock.nowMs();
  const reply = await run.admin('POST', `/lease/${run.secret}`, { ttl: run.ttl, reason: 'npm run aws-check' });
  const [token, id] = [textIn(reply.body, 'credential.password'), textIn(reply.body, 'lease.id')];
  run.secrets.add(token);
  const expiresAtMs = Date.parse(textIn(reply.body, 'lease.expiresAt') ?? '');
  if (reply.status !== 201 || id === undefined || Number.isNaN(expiresAtMs)) {
    return { finding: failed(`The mint answered ${answerText(reply)}.`) };
  }
  const leased = { id, expiresAtMs };
  if (token === undefined || !TOKEN.test(token)) {
    return { finding: failed('The answer holds no token of the form that Docker Hub gives.'), leased };
  }
  const seconds = ((run.clock.nowMs() - sentAtMs) / 1_000).toFixed(1);
  const ttlSeconds = member(reply.body, 'lease.ttlSeconds');
  return { finding: passed(`201 after ${seconds} s, for ${String(ttlSeconds)} s.`), leased };
}
