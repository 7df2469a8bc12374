import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { MetricName } from '../../functions/adapters/aws/metric-names.ts';
import { measureAnswer } from '../../functions/wiring/measured-answers.ts';
import { proxyEvent } from './proxy-event.ts';

const MINT = proxyEvent({ method: 'POST', path: '/v1/lease/ci/release' });
const OTHERS = [
  proxyEvent({ method: 'GET', path: '/v1/leases' }),
  proxyEvent({ method: 'DELETE', path: '/v1/leases/01KAJ4Z8V5Q2M9T3X7B6C1D0EF' }),
];

function recordedOf(event: unknown, statusCode: number): readonly (readonly [MetricName, number])[] {
  const recorded: [MetricName, number][] = [];
  const meter = { record: (name: MetricName, value: number) => void recorded.push([name, value]) };
  measureAnswer(event as APIGatewayProxyEvent, { statusCode }, meter);
  return recorded;
}

describe('an answer', () => {
  it.each([
    [201, [['MintsFailed', 0]]],
    [
      500,
      [
        ['InternalErrors', 1],
        ['MintsFailed', 1],
      ],
    ],
    [502, [['MintsFailed', 1]]],
    [503, [['MintsFailed', 1]]],
    [400, []],
    [403, []],
    [409, []],
    [429, []],
  ])('%i of a mint counts as %o', (statusCode, recorded) => {
    expect(recordedOf(MINT, statusCode)).toEqual(recorded);
  });

  it('of another route counts only when nobody expected it', () => {
    for (const event of OTHERS) {
      for (const statusCode of [200, 201, 403, 502, 503]) expect(recordedOf(event, statusCode)).toEqual([]);
      expect(recordedOf(event, 500)).toEqual([['InternalErrors', 1]]);
    }
  });

  it('of an event that cannot be read counts like another route', () => {
    for (const event of [null, undefined, {}, 'text']) expect(recordedOf(event, 503)).toEqual([]);
  });
});
