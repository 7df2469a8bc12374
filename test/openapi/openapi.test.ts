import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerFaults } from './conform.ts';
import { OPERATIONS, operationOf } from './document.ts';
import { type Fault, PLACES } from './faults.ts';
import { malformed, spoiled } from './malformed.ts';
import { isBeyondSchemas, names, type Refusal } from './refusals.ts';
import { anyCall, type Call, wireOf } from './requests.ts';
import { Tally } from './tally.ts';
import type { Wire } from './wire.ts';
import { ApiWorld, leaks } from './world.ts';

/** The same requests every time, so that a failure is the change's and not the day's. */
const SEED = Number(process.env.HUBLEASE_FUZZ_SEED ?? 20_261_121);
/** Of each kind. */
const REQUESTS = Number(process.env.HUBLEASE_FUZZ_RUNS ?? 10_000);
/** From so many on, what comes seldom has surely come. */
const ENOUGH_REQUESTS = 10_000;
/** A session has its own world, which ends with it, so that nothing grows. */
const SESSION_MAX_REQUESTS = 48;
const SESSION_USUAL_REQUESTS = 20;
/** Answered by API Gateway, or by the embedded edition's front door, before there is an event. */
const OF_THE_DOORS = [408, 413, 431];
/** Far beyond any machine's slowness. */
const LIMIT_MS = 600_000;

/** An answer and what was logged of it, without the one place where a token may stand. */
function shown(world: ApiWorld, linesBefore: number, { body, headers }: { body: string; headers?: unknown }): string {
  const { credential, ...rest } = JSON.parse(body) as { credential?: { password?: string } };
  return JSON.stringify([rest, { ...credential, password: '' }, headers, world.lines.slice(linesBefore)]);
}

/** Fails the property with what was sent and what came. */
function refute(faults: readonly string[], wire: Wire, result: unknown): void {
  if (faults.length > 0) throw new Error([...faults, JSON.stringify(wire), JSON.stringify(result)].join('\n'));
}

async function answerTo(world: ApiWorld, wire: Wire) {
  const linesBefore = world.lines.length;
  const result = await world.send(wire);
  const faults: string[] = [];
  if (leaks(shown(world, linesBefore, result))) faults.push('it shows a secret');
  if (world.lines.length !== linesBefore + 1) faults.push('it is logged otherwise than once');
  return { result, faults };
}

describe(`requests made from the OpenAPI document, with seed ${SEED}`, () => {
  const conforming = new Tally();
  const refused = new Tally();
  const places = new Map<Fault['in'], number>();

  async function checkConforming(world: ApiWorld, call: Call): Promise<void> {
    world.world.clock.advance(call.afterMs);
    const wire = wireOf(call);
    const { result, faults } = await answerTo(world, wire);
    conforming.add(call.operation, result.statusCode);
    faults.push(...answerFaults(operationOf(call.operation), result));
    if (result.statusCode === 400 && !isBeyondSchemas(call.operation, JSON.parse(result.body) as Refusal)) {
      faults.push('it is refused where it does what the document says');
    }
    refute(faults, wire, result);
  }

  it(
    'that conform to it are answered as it says, never with a 5xx and never with a secret',
    async () => {
      const session = fc.record({
        deletes: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
        calls: fc.array(anyCall, { minLength: 1, maxLength: SESSION_MAX_REQUESTS, size: 'max' }),
      });
      await fc.assert(
        fc.asyncProperty(session, async ({ deletes, calls }) => {
          const world = new ApiWorld(deletes);
          for (const call of calls) await checkConforming(world, call);
          if (leaks(world.records())) throw new Error('a row or an audit event holds a secret');
        }),
        { numRuns: Math.ceil(REQUESTS / SESSION_USUAL_REQUESTS), seed: SEED },
      );
    },
    LIMIT_MS,
  );

  it(
    'that are malformed are refused with a 4xx that names what is wrong, and reach nothing',
    async () => {
      const world = new ApiWorld();
      await fc.assert(
        fc.asyncProperty(malformed, async (each) => {
          const { wire, took } = spoiled(each);
          for (const fault of took) places.set(fault.in, (places.get(fault.in) ?? 0) + 1);
          const callsBefore = world.portCalls;
          const { result, faults } = await answerTo(world, wire);
          refused.add(each.call.operation, result.statusCode);
          // With a path or method that no operation has, it belongs to none.
          const known = [404, 405].includes(result.statusCode) ? undefined : operationOf(each.call.operation);
          faults.push(...answerFaults(known, result));
          if (result.statusCode < 400) faults.push('it is accepted');
          if (world.portCalls > callsBefore) faults.push('it reached a port');
          const [fault] = took;
          if (
            took.length === 1 &&
            fault !== undefined &&
            !names(JSON.parse(result.body) as Refusal, fault, each.call)
          ) {
            faults.push('the answer names something else');
          }
          refute(faults, wire, result);
        }),
        { numRuns: REQUESTS, seed: SEED },
      );
    },
    LIMIT_MS,
  );

  it.runIf(REQUESTS >= ENOUGH_REQUESTS)(
    'were as many as they should be, and met each status below 500 that the document has for an operation',
    () => {
      expect(conforming.total).toBeGreaterThanOrEqual(REQUESTS);
      expect(refused.total).toBe(REQUESTS);
      const missed = OPERATIONS.flatMap(({ id, responses }) =>
        Object.keys(responses)
          .map(Number)
          .filter((status) => status < 500 && !OF_THE_DOORS.includes(status))
          // Of a rate, which is off here; test/functions/http-rates.test.ts meets it. A mint's is also that of a quota.
          .filter((status) => status !== 429 || id === 'mintLease')
          .filter((status) => conforming.count(id, status) + refused.count(id, status) === 0)
          .map((status) => `${id} ${status}`),
      );
      expect(missed, `${conforming}\n\nmalformed:\n${refused}`).toEqual([]);
    },
  );

  it.runIf(REQUESTS >= ENOUGH_REQUESTS)('were wrong in every place where a request can be wrong', () => {
    expect(PLACES.filter((place) => (places.get(place) ?? 0) < REQUESTS / 200)).toEqual([]);
  });
});
