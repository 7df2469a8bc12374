import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { Meter } from '../adapters/aws/metrics.ts';
import { OPERATIONS } from '../wire/operations.ts';

const MINT = OPERATIONS.mintLease;

/** Counts answers that nobody expected, and of mints how many failed. Never throws, whatever the event is. */
export function measureAnswer(
  event: APIGatewayProxyEvent,
  { statusCode }: Pick<APIGatewayProxyResult, 'statusCode'>,
  meter: Meter,
): void {
  if (statusCode === 500) meter.record('InternalErrors', 1);
  if (!isMint(event)) return;
  if (statusCode === 201) meter.record('MintsFailed', 0);
  else if (statusCode >= 500) meter.record('MintsFailed', 1);
}

function isMint(event: Partial<APIGatewayProxyEvent> | null | undefined): boolean {
  return event?.httpMethod === MINT.method && event.resource === MINT.path;
}
