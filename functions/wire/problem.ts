import * as z from 'zod';
import type { Failure, FailureTag } from '../core/model/failure.ts';
import { CATALOG_PROBLEMS } from './problems/catalog.ts';
import { HUB_PROBLEMS } from './problems/hub.ts';
import { LEASE_PROBLEMS } from './problems/lease.ts';
import type { Outside, Outsides } from './problems/outside.ts';
import { REQUEST_PROBLEMS } from './problems/request.ts';

/** An RFC 9457 problem, as `application/problem+json`. */
export const Problem = z.strictObject({
  type: z.string().meta({ description: 'Stable URI of the kind of problem: urn:hublease:problem: and the code.' }),
  title: z.string(),
  status: z.int(),
  detail: z.string().meta({ description: 'What happened, to what, and what to do next.' }),
  code: z.string().meta({ description: 'Stable; what programs should branch on.' }),
  requestId: z.string().meta({ description: 'Finds the request in the logs of hublease.' }),
  field: z.string().exactOptional(),
  holders: z.array(z.string()).exactOptional().meta({
    description:
      'Callers that hold what a quota allows; some of them, where they are many. A caller is told of those of its own account, an admin of all.',
  }),
});
export type Problem = z.output<typeof Problem>;

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The longest wait that is worth telling anybody. */
const RETRY_AFTER_MAX_SECONDS = 86_400;

/** A problem with the headers that belong to it. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly problem: Problem;
}

/** Turns a failure into what the caller may read. Nothing of a caught error is in either. */
export function problemOf(failure: Failure, requestId: string): ProblemAnswer {
  const { status, title, detail, field, holders, allowed, retryAfterSeconds } = outside(failure);
  const code: FailureTag = failure.tag;
  return {
    status,
    headers: {
      'content-type': PROBLEM_CONTENT_TYPE,
      ...(allowed !== undefined && { allow: allowed.join(', ') }),
      ...(retryAfterSeconds !== undefined && { 'retry-after': wholeSeconds(retryAfterSeconds) }),
    },
    problem: {
      type: `urn:hublease:problem:${code}`,
      title,
      status,
      detail,
      code,
      requestId,
      ...(field !== undefined && { field }),
      ...(holders !== undefined && { holders: [...holders] }),
    },
  };
}

/** RFC 9110 section 10.2.3: a whole number; never 0, which invites a loop. */
function wholeSeconds(seconds: number): string {
  return String(Math.min(RETRY_AFTER_MAX_SECONDS, Math.max(1, Math.ceil(Number.isNaN(seconds) ? 1 : seconds))));
}

/** Every kind of failure; one that is missing here does not compile. */
const OUTSIDES: Outsides = {
  ...REQUEST_PROBLEMS,
  ...CATALOG_PROBLEMS,
  ...LEASE_PROBLEMS,
  ...HUB_PROBLEMS,
};

function outside(failure: Failure): Outside {
  // The table ties each tag to its failure; the compiler cannot follow one through a variable key.
  return (OUTSIDES[failure.tag] as (failure: Failure) => Outside)(failure);
}
