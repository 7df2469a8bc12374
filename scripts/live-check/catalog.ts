/** Every question, in the order in which the report has them. `where`: asked once, or of each kind of token. */
const ALL = {
  'login-auth-token': { where: 'account', question: 'POST /v2/auth/token with the password' },
  'login-users-login': { where: 'account', question: 'POST /v2/users/login with the password' },
  'second-factor': { where: 'account', question: 'The second factor' },
  'session-life': { where: 'account', question: 'How long a session lives' },
  'rate-limit': { where: 'account', question: 'The rate limit of the API' },
  clock: { where: 'account', question: "Docker Hub's clock" },

  'list-before': { where: 'place', question: 'The list before the run' },
  create: { where: 'place', question: 'What a create answers' },
  creator: { where: 'place', question: 'Who made a token, in the list' },
  'get-lag': { where: 'place', question: 'When GET finds a new token' },
  'list-lag': { where: 'place', question: 'When the list shows a new token' },
  'registry-start': { where: 'place', question: 'When auth.docker.io accepts a new token' },
  'token-session': { where: 'personal', question: 'Token routes with a session that a token opened' },
  'delete-status': { where: 'place', question: 'What DELETE answers' },
  'delete-get': { where: 'place', question: 'When GET shows a deleted token gone or inactive' },
  'delete-list': { where: 'place', question: 'When the list shows a deleted token gone or inactive' },
  'registry-stop': { where: 'place', question: 'When auth.docker.io refuses a deleted token' },
  'bearer-after': { where: 'place', question: 'When the registry refuses a bearer that was issued before DELETE' },
  'refresh-after': {
    where: 'place',
    question: 'When auth.docker.io refuses a refresh token (offline_token=true) of a deleted token',
  },
  'delete-gone': { where: 'place', question: 'DELETE of what is gone' },
  label: { where: 'place', question: 'The longest label that comes back as it was sent' },
  expiry: { where: 'place', question: 'expires_at as 201, GET and list report it' },
  'expiry-shortest': { where: 'place', question: 'The shortest expiry, and its granularity' },
  expired: { where: 'place', question: 'An expired token' },
  'label-taken': { where: 'place', question: 'A label that another token has' },
  order: { where: 'place', question: 'The order of the list' },
  'order-used': { where: 'place', question: 'The order of the list after a token is used' },
  'page-size': { where: 'place', question: 'The largest page' },
  'page-beyond': { where: 'place', question: 'A page beyond the end' },
  'patch-scopes': { where: 'personal', question: 'PATCH with scopes' },
  'refused-creates': { where: 'place', question: 'Creates that were refused or had no answer' },
  resources: { where: 'organization', question: 'What a resource may name' },
  cap: { where: 'organization', question: 'The answer when the organization has all its tokens' },

  'device-session': { where: 'account', question: 'A device-login session on /v2/access-tokens' },
} as const;

export type QuestionId = keyof typeof ALL;
export type PlaceName = 'personal' | 'organization';
/** What an answer is about. */
export type About = 'account' | PlaceName;

export const CATALOG: Readonly<
  Record<QuestionId, { readonly where: 'account' | 'place' | PlaceName; readonly question: string }>
> = ALL;

/** The questions of a run, in order. */
export function questionsOf(
  places: readonly PlaceName[],
  optional: ReadonlySet<QuestionId>,
): readonly [About, QuestionId][] {
  const ids = (Object.keys(CATALOG) as QuestionId[]).filter((id) => !OPTIONAL.has(id) || optional.has(id));
  const account = ids.filter((id) => CATALOG[id].where === 'account');
  const ofPlace = (place: PlaceName) =>
    ids.filter((id) => CATALOG[id].where === 'place' || CATALOG[id].where === place);
  return [
    ...account.map((id): [About, QuestionId] => ['account', id]),
    ...places.flatMap((place) => ofPlace(place).map((id): [About, QuestionId] => [place, id])),
  ];
}

/** Asked only where the owner wants it. */
const OPTIONAL: ReadonlySet<QuestionId> = new Set<QuestionId>(['cap', 'device-session']);
