import { GATEWAY_PROBLEMS } from '../infra/gateway-problems.ts';
import { DOOR_DETAILS } from '../local/front-door/admission.ts';
import type { ForeignRefusal } from '../local/front-door/own-requests.ts';
import { BAD_HTTP, detailOf, WIRE_FAULTS } from '../local/front-door/refusal.ts';
import { EMBEDDED_SCOPE, type SignatureRefusal } from '../local/front-door/sigv4.ts';

/** A problem that was answered before the request came to hublease's own code. */
export interface DoorProblem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retries: boolean;
}

const NOW_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
const { region, service } = EMBEDDED_SCOPE;

type Refusal = SignatureRefusal | ForeignRefusal;

/** An example of every refusal of a signature; one that is missing here does not compile. */
const REFUSALS: { readonly [R in Refusal['reason']]: Extract<Refusal, { reason: R }> } = {
  missing_authentication: { reason: 'missing_authentication' },
  presigned_unsupported: { reason: 'presigned_unsupported' },
  malformed: { reason: 'malformed', problem: 'expected a date in X-Amz-Date, such as 20261121T093000Z' },
  duplicate_header: { reason: 'duplicate_header', header: 'x-amz-date' },
  header_not_signed: { reason: 'header_not_signed', header: 'host' },
  expired: { reason: 'expired', signedAtMs: NOW_MS - 600_000, nowMs: NOW_MS },
  not_yet_current: { reason: 'not_yet_current', signedAtMs: NOW_MS + 600_000, nowMs: NOW_MS },
  bad_scope: { reason: 'bad_scope', expected: `20261121/${region}/${service}/aws4_request` },
  unsigned_payload: { reason: 'unsigned_payload' },
  body_hash_mismatch: { reason: 'body_hash_mismatch' },
  unknown_key: { reason: 'unknown_key' },
  signature_mismatch: { reason: 'signature_mismatch' },
  other_host: { reason: 'other_host', expected: '127.0.0.1:8787' },
  signed_before_start: { reason: 'signed_before_start', signedAtMs: NOW_MS - 60_000, readyAtMs: NOW_MS },
};

/** What API Gateway answers by itself; kinds of answers that say the same are one. */
export function gatewayProblems(): readonly DoorProblem[] {
  const problems = GATEWAY_PROBLEMS.map(({ status, code, detail, retryAfterSeconds }) => ({
    status,
    code,
    detail,
    retries: retryAfterSeconds !== undefined,
  }));
  return byStatus([...new Map(problems.map((each) => [JSON.stringify(each), each])).values()]);
}

/** What the front door of the embedded edition answers in the place of API Gateway and IAM. */
export function frontDoorProblems(): readonly DoorProblem[] {
  const { access_denied, body_too_large, missing_authentication_token, too_many_headers } = DOOR_DETAILS;
  const refused = Object.values(REFUSALS).map((refusal) => [403, refusal.reason, detailOf(refusal)] as const);
  const problems = [
    [403, 'missing_authentication_token', missing_authentication_token] as const,
    ...refused,
    [403, 'access_denied', `arn:aws:sts::111122223333:assumed-role/ci/session ${access_denied}`] as const,
    [413, 'body_too_large', body_too_large] as const,
    [431, 'too_many_headers', too_many_headers] as const,
    BAD_HTTP,
    ...Object.values(WIRE_FAULTS),
  ];
  return byStatus(problems.map(([status, code, detail]) => ({ status, code, detail, retries: false })));
}

function byStatus(problems: readonly DoorProblem[]): readonly DoorProblem[] {
  return problems.toSorted((one, other) => one.status - other.status);
}
