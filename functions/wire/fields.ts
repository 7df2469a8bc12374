import * as z from 'zod';
import { CALLER_LABEL_MAX_CHARACTERS } from '../core/hub/label.ts';
import { MAX_DURATION_SECONDS } from '../core/model/duration.ts';
import { PAT_SCOPES } from '../core/model/scope.ts';

/**
 * The schemas of single fields. Every pattern is linear and brings its own text, because that text is what the caller reads.
 */

/** A reason goes into the lease's row and the audit log. */
export const REASON_MAX_CHARACTERS = 256;
/** An attestation's reason stands in the lease's evidence for as long as its row is kept. */
export const ATTEST_REASON_MAX_CHARACTERS = 200;
/** A target remembers as many dismissed tokens. */
export const TOKEN_IDS_MAX = 100;
/** A description is for people who read lists. */
export const DESCRIPTION_MAX_CHARACTERS = 512;
/** As many as AWS allows on most resources. */
export const TAGS_MAX = 50;
/** The longest that the documented routes and rows need; AWS allows the same for a tag's value. */
export const TAG_VALUE_MAX_CHARACTERS = 256;
/** Enough for every role of a large team with patterns; each is tried at every mint. */
export const ALLOW_MAX = 50;
/** The longest pattern that can match: an account's role ARN with a name of 64 characters, in the longest partition. IAM's ids, too. */
export const ALLOW_ENTRY_MAX_CHARACTERS = 128;
/** Docker Hub's console allows 50 repositories in one organization access token. */
export const RESOURCES_MAX = 50;
export const RESOURCE_SCOPES_MAX = 20;
/** Above this a quota no longer protects anything. */
export const MAX_ACTIVE_MAX = 10_000;
/** Far above Docker Hub's own limits; keeps a credential within one stored item. */
export const USERNAME_MAX_CHARACTERS = 64;
export const PASSWORD_MAX_CHARACTERS = 512;
/** Page tokens are ours: a store's key, encoded. */
export const NEXT_TOKEN_MAX_CHARACTERS = 1_024;
export const PAGE_LIMIT_MAX = 100;
/** As long as payment and cloud APIs take; only its hash is kept. */
export const IDEMPOTENCY_KEY_MAX_CHARACTERS = 255;
export const PAGE_LIMIT_DEFAULT = 50;

const DURATION_TEXT = `expected whole seconds from 1 to ${MAX_DURATION_SECONDS}, or a duration such as 90s, 15m, 1h30m or 2d`;

/** Only the shape: `parseDuration` reads it. */
export const Duration = z
  .union(
    [
      z.int().min(1).max(MAX_DURATION_SECONDS),
      z.string().regex(/^(?=\d)(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?$/, { error: DURATION_TEXT }),
    ],
    { error: DURATION_TEXT },
  )
  .meta({ description: 'Whole seconds as a number, or text such as 90s, 15m, 1h30m or 2d.' });

const SEGMENT = '[a-z0-9][a-z0-9-]{0,31}';

/** Of a secret or a target, or the beginning of one in whole segments. */
export const Name = z.string().regex(new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,3}$`), {
  error: 'expected 1 to 4 segments joined by "/", each 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit',
});

/** ULID, as in `core/lease.ts`. */
export const LeaseId = z
  .string()
  .regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, { error: 'expected a lease id: 26 characters, as hublease gave it' });

/** Goes behind our mark into the label on Docker Hub, so it keeps to what every console and log shows unchanged. */
export const Label = z
  .string()
  .min(1)
  .max(CALLER_LABEL_MAX_CHARACTERS)
  .regex(/^[!-~](?:[ -~]*[!-~])?$/, {
    error: 'expected printable ASCII characters, without a space at either end',
  })
  .meta({ description: 'Shown on Docker Hub, behind the mark of hublease.' });

/** Label of leases that give none. Only the two placeholders, so that no later one changes the meaning of a label of today. */
export const LabelTemplate = z
  .string()
  .min(1)
  .max(CALLER_LABEL_MAX_CHARACTERS)
  .regex(/^(?! )(?:[ -z|~]|\{secret\}|\{role\})*(?<! )$/, {
    error:
      'expected printable ASCII characters without a space at either end, and no braces but in {secret} and {role}',
  })
  .meta({ description: 'Label of leases that give none; `{secret}` and `{role}` are filled in.' });

/**
 * Control, format and private characters, noncharacters and line separators of Unicode's first plane, as a regular expression's
 * class. Spelled out, because `\p{C}` means other things without the flag `u`, which JSON Schema's `pattern` cannot say, and
 * nothing in other languages. Above the first plane a class means pairs here and characters there, so it stops before.
 */
const UNSEEN =
  '\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ue000-\\uf8ff\\ufdd0-\\ufdef\\ufeff\\ufff9-\\ufffb\\ufffe\\uffff';
const SPACES = ' \\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000';
const ONE_LINE = new RegExp(`^[^${UNSEEN}]*$`);
const VISIBLE_LINE = new RegExp(`^[^${UNSEEN}${SPACES}](?:[^${UNSEEN}]*[^${UNSEEN}${SPACES}])?$`);

/** A lone half of a pair is no text: JSON can hold one, and no encoding of Unicode can. */
const isWhole = (text: string) => text.isWellFormed();

/** Text of one line for people: no control, format, private or unpaired characters, no line separators. */
function line(maxCharacters: number) {
  return z
    .string()
    .min(1)
    .max(maxCharacters)
    .regex(ONE_LINE, { error: 'expected one line without control characters' })
    .refine(isWhole, { error: 'expected one line without control characters' });
}

export const Reason = line(REASON_MAX_CHARACTERS).meta({ description: 'Why, for the record.' });

/** Why an admin is sure that a lease's token is gone. Spaces alone are no reason. */
export const AttestReason = z
  .string()
  .min(1)
  .max(ATTEST_REASON_MAX_CHARACTERS)
  .regex(VISIBLE_LINE, { error: 'expected one line of visible characters, without a space at either end' })
  .refine(isWhole, { error: 'expected one line of visible characters, without a space at either end' })
  .meta({ description: 'With `attest=true`, and required there: why you are sure that the token is gone.' });

/** Docker Hub's ids of tokens, as `blockedBy` of a lease names them. A token that was pasted in its place is refused. */
export const TokenIds = z
  .array(
    z.string().regex(/^(?!dckr_)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, {
      error: 'expected the id of a token on Docker Hub, as blockedBy of a lease names it',
    }),
  )
  .min(1)
  .max(TOKEN_IDS_MAX)
  .meta({ description: 'With `dismiss`, and required there: Docker Hub ids of tokens, from `blockedBy` of leases.' });

export const Description = line(DESCRIPTION_MAX_CHARACTERS).meta({ description: 'For people who read lists.' });

export const Tags = z
  .record(
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._:/=+@-]{0,63}$/, {
      error: 'expected a tag name of 1 to 64 letters, digits, spaces and ._:/=+@-',
    }),
    line(TAG_VALUE_MAX_CHARACTERS),
  )
  .refine((tags) => Object.keys(tags).length <= TAGS_MAX, { error: `expected at most ${TAGS_MAX} tags` })
  .meta({ maxProperties: TAGS_MAX });

const AllowText = z.string().min(1).max(ALLOW_ENTRY_MAX_CHARACTERS);
/** Only its bounds: `parseAllow` reads each entry. */
export const Allow = z
  .array(z.union([AllowText, z.strictObject({ role: AllowText, id: AllowText })]))
  .min(1)
  .max(ALLOW_MAX)
  .meta({
    description:
      'Who may lease: ARNs of roles, or account roots. `*` in the name of a role stands for anything, so it also lists roles that are made later. `{"role": ARN, "id": "AROA…"}` lists one role alone: a role that is deleted and made again has another id.',
  });

/** Paths and scopes as Docker Hub documents them for organization access tokens. */
export const Resource = z.strictObject({
  type: z.enum(['TYPE_REPO', 'TYPE_ORG']),
  path: z.string().regex(/^(?:\*\/\*\/public|[a-z0-9][a-z0-9_-]{1,63}(?:\/(?:\*|[a-z0-9][a-z0-9._-]{0,254}))?)$/, {
    error: 'expected ORG/REPOSITORY, ORG/*, */*/public, or an organization',
  }),
  scopes: z
    .array(z.string().regex(/^scope-[a-z_-]{1,64}$/, { error: 'expected a scope such as scope-image-pull' }))
    .min(1)
    .max(RESOURCE_SCOPES_MAX),
});

/** A Docker Hub user or organization name; it becomes part of Docker Hub addresses. */
export const HubAccount = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{1,63}$/, { error: 'expected a Docker Hub name of 2 to 64 of a-z, 0-9, "_" and "-"' });

/** One or more scopes of personal access tokens; what they amount to is one scope. */
export const Scopes = z
  .union(
    [
      z.string().max(128, { error: 'expected one or more scopes, separated by commas' }),
      z.array(z.enum(PAT_SCOPES)).min(1).max(PAT_SCOPES.length),
    ],
    { error: 'expected a list of scopes, or text with commas between them' },
  )
  .meta({ description: 'In place of `scope`; the widest counts, since it implies the others.' });

export const Resources = z
  .array(Resource)
  .min(1)
  .max(RESOURCES_MAX)
  .meta({ description: 'On organizations: what may be done with which repositories.' });

export const MaxActive = z.int().min(1).max(MAX_ACTIVE_MAX).meta({ description: 'Most open leases at a time.' });

/** Beyond what Docker Hub takes of any account. */
const MAX_MINTS_PER_MINUTE_MAX = 10_000;

export const MaxMintsPerMinute = z.int().min(1).max(MAX_MINTS_PER_MINUTE_MAX).meta({
  description: 'Most leases in a minute over time, and at once after a quiet minute.',
});

/** Longer than any ARN of a principal; `parseCaller` reads it. */
export const Principal = z.string().min(1).max(2_048);

export const LeaseStatus = z.enum(['minting', 'active', 'revoking', 'revoked']);

/** What a target logs in with. */
export const CredentialBody = z.strictObject({
  username: z
    .string()
    .max(USERNAME_MAX_CHARACTERS)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]+$/, { error: 'expected a Docker Hub user name (not an e-mail address)' }),
  password: z.string().min(1).max(PASSWORD_MAX_CHARACTERS).meta({ format: 'password', writeOnly: true }),
  totpSecret: z
    .string()
    .regex(/^[A-Za-z2-7]{16,128}={0,6}$/, {
      error: 'expected the Base32 secret of 16 to 128 characters, without spaces',
    })
    .meta({ format: 'password', writeOnly: true })
    .exactOptional(),
});

const NextToken = z
  .string()
  .max(NEXT_TOKEN_MAX_CHARACTERS)
  .regex(/^[!-~]+$/, { error: 'expected the nextToken of a former page' })
  .meta({ description: 'From a former page of the same list.' });

const Limit = z
  .string()
  .regex(/^(?:[1-9]\d?|100)$/, { error: `expected a whole number from 1 to ${PAGE_LIMIT_MAX}` })
  .meta({ type: 'integer', minimum: 1, maximum: PAGE_LIMIT_MAX, default: PAGE_LIMIT_DEFAULT });

/** The query parameters of every list. */
export const PAGE_QUERY = { limit: Limit.exactOptional(), nextToken: NextToken.exactOptional() };

/** A switch in a query. */
export function switchFor(description: string) {
  return z.enum(['true', 'false']).meta({ description }).exactOptional();
}

/** Header that makes a repeated mint safe. */
export const IdempotencyKey = z
  .string()
  .max(IDEMPOTENCY_KEY_MAX_CHARACTERS)
  .regex(/^[!-~]+$/, { error: `expected 1 to ${IDEMPOTENCY_KEY_MAX_CHARACTERS} visible ASCII characters` });

/** One strong entity tag, or any. Source: RFC 9110 section 13.1.1. */
export const IfMatch = z
  .string()
  .regex(/^(?:\*|"[1-9]\d{0,14}")$/, { error: 'expected one ETag as hublease gave it, such as "3", or *' });
