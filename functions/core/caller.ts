import { fail } from './failure.ts';

/** The principal that signed a request. */
export interface Caller {
  /** Role ARN for an assumed role, else the principal's own ARN. Leases belong to this. */
  readonly arn: string;
  /** 12 digits. */
  readonly accountId: string;
}

const PRINCIPAL =
  /^arn:(aws|aws-cn|aws-us-gov):(iam|sts)::(\d{12}):(root|user\/[\w+=,.@/-]{1,576}|federated-user\/[\w+=,.@-]{2,64}|assumed-role\/([\w+=,.@-]{1,64})\/[\w+=,.@-]{1,64}|role\/[\w+=,.@/-]{1,576})$/;

/**
 * Normalises the ARN that API Gateway puts into `requestContext.identity.userArn`. `assumed-role/R/SESSION` becomes `role/R`:
 * the caller chooses the session name, so it never counts. Role paths are not visible in an assumed-role ARN.
 * Shapes: AWS IAM User Guide, "IAM identifiers" and "Comparing the AWS STS credentials".
 *
 * @throws Failed `caller_unknown` when the ARN is missing or of another form.
 */
export function parseCaller(userArn: string | null | undefined): Caller {
  const match = PRINCIPAL.exec(userArn ?? '');
  if (!match) throw fail({ tag: 'caller_unknown' });
  const [arn, partition, , accountId, , role] = match;
  return {
    arn: role === undefined ? arn : `arn:${partition}:iam::${accountId}:role/${role}`,
    accountId: accountId as string,
  };
}

const ALLOW_ROOT = /^arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:root$/;
const ALLOW_ROLE = /^arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:role\/[\w+=,.@*-]{1,64}$/;
const ALLOW_PATH = /^arn:[a-z-]+:iam::\d{12}:role\/.*\//;

/**
 * Checks one entry of a secret's `allow` list: a role ARN, in whose name `*` stands for any characters, or an account root.
 *
 * @throws Failed `invalid_field` with the reason.
 */
export function parseAllow(pattern: string, field: string): string {
  if (ALLOW_ROOT.test(pattern) || ALLOW_ROLE.test(pattern)) return pattern;
  const problem = ALLOW_PATH.test(pattern)
    ? 'a role path is not visible in a signed request, so it cannot be matched: leave the path out, as in arn:aws:iam::111122223333:role/NAME'
    : 'expected a role such as arn:aws:iam::111122223333:role/ci* or an account root such as arn:aws:iam::111122223333:root';
  throw fail({ tag: 'invalid_field', field, problem });
}

/** Says whether one of the `allow` patterns lists the caller. An empty list allows nobody. */
export function isAllowed(allow: readonly string[], caller: Caller): boolean {
  return allow.some((pattern) =>
    pattern.endsWith(':root')
      ? pattern.split(':')[4] === caller.accountId && pattern.split(':')[1] === caller.arn.split(':')[1]
      : matches(pattern, caller.arn),
  );
}

/** Glob match with `*` only. Walks both texts once with one point of return, so no pattern can make it slow. */
function matches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = t;
    } else if (pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Who asked for something, and by which request: what every decision's audit event states. */
export interface Origin {
  readonly caller: Caller;
  readonly requestId: string;
  readonly sourceIp?: string;
}
