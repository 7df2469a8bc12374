import type { NamedOperation } from '../../functions/wire/operations.ts';
import { STAGE } from '../../functions/wire/route.ts';
import type { Exchange } from './signed-request.ts';

/** What a path's parameter is in examples. */
const PARAMETERS = { leaseId: '01KAJQXY00EXAMPLE0EXAMP001', secret: 'ci/release', target: 'acme-bot' };

/** The example that an operation states itself, as an exchange. For operations that the recorded run does not use. */
export function statedExample({ method, path, parameterIs, body, answers }: NamedOperation): Exchange {
  const [[status, { example }] = ['', { example: undefined }]] = Object.entries(answers);
  const parameter = parameterIs === undefined ? '' : PARAMETERS[parameterIs];
  return {
    method,
    path: `/${STAGE}${path.replace(/\{\w+\+?\}/, parameter)}`,
    headers: {},
    ...(body !== undefined && { body: body.example }),
    status: Number(status),
    answerHeaders: {},
    answer: example,
  };
}
