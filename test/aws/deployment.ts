import type { APIGatewayProxyResult, DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { dynamodbSweepMark } from '../../functions/adapters/dynamodb/sweep-mark.ts';
import { admin } from '../../functions/admin.ts';
import { broker } from '../../functions/broker.ts';
import { type CatalogEvent, catalogResource } from '../../functions/catalog-resource.ts';
import type { SweepReport } from '../../functions/core/sweeping/sweep.ts';
import { environmentOf, type FunctionName, readSettings, SETTINGS_OF, type SettingValue } from '../../functions/env.ts';
import { type BatchAnswer, revoker } from '../../functions/revoker.ts';
import { sweeper } from '../../functions/sweeper.ts';
import { wireAdministering } from '../../functions/wiring/administering.ts';
import { lazyHttp } from '../../functions/wiring/lazy-http.ts';
import { wireMinting } from '../../functions/wiring/minting.ts';
import { type WiringOverrides, wireRevoking } from '../../functions/wiring/revoking.ts';
import { proxyEvent, type Sent } from '../functions/proxy-event.ts';
import { running } from './function-calls.ts';

/** What Lambda gives a sweep. */
const SWEEP_TIME_MS = 300_000;

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers of many forms, and compares what it reads.
  readonly body: any;
  /** The whole answer, headers included. */
  readonly text: string;
}

/** The five functions, each wired for itself as its entry file does it. */
export interface Deployment {
  broker(sent: Sent): Promise<Answer>;
  admin(sent: Sent): Promise<Answer>;
  revoker(event: SQSEvent | DynamoDBStreamEvent): Promise<BatchAnswer>;
  sweeper(): Promise<SweepReport>;
  catalogResource(event: CatalogEvent): Promise<{ readonly PhysicalResourceId: string }>;
}

/**
 * Wires the functions with what `functions/env.ts` makes of the settings as an environment.
 *
 * @param queueUrl where the queue really is: the SDK goes to the host in a queue's address, whatever endpoint it was given.
 */
export function deploy(
  settings: Readonly<Record<string, SettingValue>>,
  queueUrl: string,
  overrides: WiringOverrides,
): Deployment {
  const read = <F extends FunctionName>(name: F) => ({
    ...readSettings(name, environmentFor(name, settings)),
    queueUrl,
  });
  const functions = {
    broker: once(() => lazyHttp(wireMinting(read('broker'), overrides), broker)),
    admin: once(() => lazyHttp(wireAdministering(read('admin'), overrides), admin)),
    revoker: once(() => {
      const wired = wireRevoking(read('revoker'), overrides);
      return revoker(wired.ports, wired.redelivery, wired.meter, wired.log);
    }),
    sweeper: once(() => {
      const own = read('sweeper');
      const wired = wireAdministering(own, overrides);
      const mark = dynamodbSweepMark({ client: wired.dynamodb, tableName: own.catalogTable });
      return sweeper(wired.ports, mark, wired.meter, wired.log, wired.isKeyUsable);
    }),
    catalogResource: once(() => {
      const wired = wireAdministering(read('catalogResource'), overrides);
      return catalogResource(wired.ports, wired.credentials.readFrom);
    }),
  };
  const as = <T>(name: FunctionName, run: () => Promise<T>) => running.run({ name, settings }, run);
  return {
    broker: (sent) => as('broker', async () => answerOf(await functions.broker()(proxyEvent(sent)))),
    admin: (sent) => as('admin', async () => answerOf(await functions.admin()(proxyEvent(sent)))),
    revoker: (event) => as('revoker', async () => functions.revoker()(event)),
    sweeper: () =>
      as('sweeper', async () => functions.sweeper()({}, { getRemainingTimeInMillis: () => SWEEP_TIME_MS })),
    catalogResource: (event) => as('catalogResource', async () => functions.catalogResource()(event)),
  };
}

/** Builds a function when it is first called, as Lambda does. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The environment of one function. */
export function environmentFor(name: FunctionName, settings: Readonly<Record<string, SettingValue>>) {
  const own = Object.fromEntries(SETTINGS_OF[name].map((setting) => [setting, settings[setting]]));
  return environmentOf(name, own as Parameters<typeof environmentOf>[1]);
}

export function answerOf(result: APIGatewayProxyResult): Answer {
  return { status: result.statusCode, body: JSON.parse(result.body), text: JSON.stringify(result) };
}
