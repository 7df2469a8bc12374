import { fail } from './failure.ts';

/** The principal that signed a request. */
export interface Caller {
  /** Role ARN for an assumed role, else the principal's own ARN. */
  readonly arn: string;
  /** 12 digits. */
  readonly accountId: string;
  /**
   * The unique id that IAM gave the role or user, such as `AROA…` or `AIDA…`. IAM never gives the same id twice. A role that is
   * deleted and created again has the same ARN and another id. Absent for an account's root, and if no request was signed.
   */
  readonly id?: string;
}

/** The caller and the request of a decision. Every audit event of a decision contains them. */
export interface Origin {
  readonly caller: Caller;
  readonly requestId: string;
  readonly sourceIp?: string;
}

const PRINCIPAL =
  /^arn:(aws|aws-cn|aws-us-gov):(iam|sts)::(\d{12}):(root|user\/[\w+=,.@/-]{1,576}|federated-user\/[\w+=,.@-]{2,64}|assumed-role\/([\w+=,.@-]{1,64})\/[\w+=,.@-]{1,64}|role\/[\w+=,.@/-]{1,576})$/;

/** `caller` of a role's session, `AROA…:SESSION`, and of a user, `AIDA…`. Source: AWS IAM User Guide, "IAM identifiers". */
const ROLE_ID = /^(AROA[A-Z0-9]{12,124}):[\w+=,.@-]{1,64}$/;
const USER_ID = /^(AIDA[A-Z0-9]{12,124})$/;

/**
 * Reads the signer of a request from API Gateway's `requestContext.identity`. `assumed-role/R/SESSION` becomes `role/R`, because
 * the caller chooses the session name. Role paths are not visible in an assumed-role ARN. Shapes: AWS IAM User Guide, "IAM
 * identifiers" and "Comparing the AWS STS credentials".
 *
 * @param userArn `identity.userArn`.
 * @param principalId `identity.caller`.
 * @throws Failed `caller_unknown` when either is missing or of another form, and for a federated user: its name is chosen by the
 *   user who made the session, and it has no unique id.
 */
export function parseCaller(userArn: string | null | undefined, principalId: string | null | undefined): Caller {
  const { arn, accountId } = parsePrincipal(userArn);
  const kind = arn.split(':')[5]?.split('/')[0];
  if (kind === 'root') return { arn, accountId };
  const id = kind === 'federated-user' ? null : (kind === 'role' ? ROLE_ID : USER_ID).exec(principalId ?? '');
  if (id === null) throw fail({ tag: 'caller_unknown' });
  return { arn, accountId, id: id[1] as string };
}

/**
 * Normalises the ARN of a principal that did not sign this request, to the form in leases.
 *
 * @throws Failed `caller_unknown` when the ARN is missing or of another form.
 */
export function parsePrincipal(userArn: string | null | undefined): Pick<Caller, 'arn' | 'accountId'> {
  const match = PRINCIPAL.exec(userArn ?? '');
  if (!match) throw fail({ tag: 'caller_unknown' });
  const [arn, partition, , accountId, , role] = match;
  return {
    arn: role === undefined ? arn : `arn:${partition}:iam::${accountId}:role/${role}`,
    accountId: accountId as string,
  };
}

/** Whether a lease belongs to the caller, by ARN and unique id. Leases of version 0.1 have no id, so only the ARN is compared. */
export function isOwner(lease: { readonly caller: string; readonly callerId?: string }, caller: Caller): boolean {
  return lease.caller === caller.arn && (lease.callerId === undefined || lease.callerId === caller.id);
}
