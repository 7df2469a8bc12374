import type { OatResource } from '../../../functions/core/model/scope.ts';
import type { MadeToken } from '../ledger.ts';
import type { Place } from '../place.ts';
import { tidy } from '../removal.ts';
import type { Run } from '../run.ts';
import { refusal } from '../words.ts';

/** The larger of the two documented caps, and one more. */
const MAX_CAP_TOKENS = 101;

const PULL = ['scope-image-pull'];

/** What a token of an organization may name, each with what it is called in the answer. */
function resourcesToTry(organization: string): readonly (readonly [string, readonly OatResource[]])[] {
  return [
    ['*/*/public', [{ type: 'TYPE_REPO', path: '*/*/public', scopes: PULL }]],
    ['ORG/*', [{ type: 'TYPE_REPO', path: `${organization}/*`, scopes: PULL }]],
    ['a repository that is not there', [{ type: 'TYPE_REPO', path: `${organization}/hublease-no-such`, scopes: PULL }]],
    ['another organization', [{ type: 'TYPE_REPO', path: 'library/*', scopes: PULL }]],
    ['TYPE_ORG with its name', [{ type: 'TYPE_ORG', path: organization, scopes: ['scope-repository-list'] }]],
    ['a scope without its prefix', [{ type: 'TYPE_REPO', path: '*/*/public', scopes: ['image-pull'] }]],
    ['none', []],
  ];
}

/** Makes a token for each kind of resource. */
export async function askResources(run: Run, place: Place): Promise<void> {
  if (place.at.kind !== 'oat') return;
  const said: string[] = [];
  const facts: Record<string, number | null> = {};
  for (const [name, resources] of resourcesToTry(place.at.organization)) {
    const { made, reply } = await run.api.create(place, 'resources', { resources });
    said.push(`${name}: ${reply.ok ? `status ${reply.meta.httpStatus}` : refusal(reply)}`);
    facts[name] = reply.meta.httpStatus ?? null;
    await tidy(run, place, [made]);
  }
  run.answers.add(
    place.name,
    'resources',
    `${said.join('; ')}.`,
    'What a secret of an org target may name; a refused path is hub_refused at mint.',
    facts,
  );
}

/** Makes tokens until the organization has all that it may have, and deletes them. Only where the owner asked for it. */
export async function askCap(run: Run, place: Place): Promise<void> {
  const made: MadeToken[] = [];
  let answer = `${MAX_CAP_TOKENS} tokens were made, and no cap was met.`;
  let changes = 'The cap is higher than the documented ones.';
  let cap: number | null = null;
  for (let count = 0; count < MAX_CAP_TOKENS; count++) {
    const { made: token, reply } = await run.api.create(place, 'cap');
    made.push(token);
    if (reply.ok) continue;
    const listed = await run.api.list(place, { page: 1, pageSize: 1 });
    cap = listed.ok ? listed.value.total : null;
    answer = `With ${cap ?? 'an unknown number of'} tokens a create answers ${refusal(reply)}.`;
    changes =
      reply.problem.tag === 'cap_reached' || cap === 10 || cap === 100
        ? 'Nothing: hublease answers quota_reached, and keeps the cap for 24 h.'
        : 'hublease answers hub_refused: its rule for the cap must learn these words.';
    break;
  }
  run.answers.add(place.name, 'cap', answer, changes, { cap });
  await tidy(run, place, made);
}
