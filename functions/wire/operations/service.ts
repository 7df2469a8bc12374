import * as z from 'zod';
import { FakeHub } from '../answers/lease-schema.ts';
import { OfferSchema } from '../answers/secret.ts';
import { answer, inFake, NO_QUERY, type OperationDefinition } from './operation.ts';
import { OFFER } from './samples.ts';

const WhoamiAnswer = z.strictObject({
  caller: z.strictObject({
    arn: z.string(),
    accountId: z.string(),
    id: z.string().exactOptional().meta({
      description: 'The unique id of the role or user. A role that is deleted and made again has another.',
    }),
  }),
  secrets: z.array(OfferSchema),
  fakeHub: FakeHub,
});

/** What every caller may ask of the service itself. */
export const SERVICE_OPERATIONS = {
  whoami: {
    method: 'GET',
    path: '/whoami',
    function: 'broker',
    who: 'caller',
    summary: 'Show the caller as hublease sees it, and the dynamic secrets it may lease from.',
    query: NO_QUERY,
    answers: {
      200: answer(WhoamiAnswer, `The caller, and the dynamic secrets that list it. ${inFake('fakeHub')}`, {
        caller: { arn: 'arn:aws:iam::111122223333:role/ci', accountId: '111122223333', id: 'AROADBQP57FF2AEXAMPLE' },
        secrets: [OFFER],
      }),
    },
    problems: [],
  },
  getOpenapi: {
    method: 'GET',
    path: '/openapi.json',
    function: 'broker',
    who: 'caller',
    summary: 'Show this API as an OpenAPI 3.1 document.',
    query: NO_QUERY,
    answers: { 200: answer(z.record(z.string(), z.unknown()), 'An OpenAPI 3.1 document.', { openapi: '3.1.1' }) },
    problems: [],
  },
} as const satisfies Readonly<Record<string, OperationDefinition>>;
