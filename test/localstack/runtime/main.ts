// One execution environment of a Lambda function: `node main.ts`, started by the emulator only. It prints its port, loads the
// function, and handles one invocation at a time. It speaks the protocol of LocalStack's own runtime, and ends when its standard
// input ends.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { stateCaller } from './caller.ts';
import { readClock, replaceDate } from './clock.ts';
import { type Handler, loadHandler } from './handler.ts';
import { redirectConnections } from './hosts.ts';

interface Invocation {
  readonly 'invoke-id': string;
  readonly 'invoked-function-arn': string;
  readonly payload: string;
}

const { env } = process;
const TIMEOUT_MS = Number(env.AWS_LAMBDA_FUNCTION_TIMEOUT) * 1_000;
const EMULATOR = env.LOCALSTACK_RUNTIME_ENDPOINT as string;

process.stdin.once('close', () => process.exit()).resume();
replaceDate();
redirectConnections();
const server = createServer(async (request, response) => {
  const invocation = (await json(request)) as Invocation;
  response.writeHead(202).end();
  await handle(invocation);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log((server.address() as AddressInfo).port);

const log = captureOutput();
const handler = await loadHandler(env.LAMBDA_TASK_ROOT as string, env._HANDLER as string).catch(refuse);
await tell(`status/${env.LOCALSTACK_RUNTIME_ID}/ready`, {});

/** Captures the output from now on. The result returns what was written since its last call. */
function captureOutput(): () => string {
  let text = '';
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk: string | Uint8Array) => {
      text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return true;
    };
  }
  return () => {
    const taken = text;
    text = '';
    return taken;
  };
}

async function refuse(error: Error): Promise<never> {
  await tell(`status/${env.LOCALSTACK_RUNTIME_ID}/error`, failure(error));
  process.exit(1);
}

async function handle(invocation: Invocation): Promise<void> {
  const id = invocation['invoke-id'];
  readClock();
  const result = await run(handler as Handler, invocation);
  await tell(`invocations/${id}/logs`, { logs: `${log()}END RequestId: ${id}\n` });
  if ('error' in result) await tell(`invocations/${id}/error`, failure(result.error));
  else await tell(`invocations/${id}/response`, result.value ?? null);
}

async function run(
  call: Handler,
  invocation: Invocation,
): Promise<{ readonly value: unknown } | { readonly error: Error }> {
  const endsAtMs = performance.now() + TIMEOUT_MS;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Task timed out after ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  try {
    const event: unknown = JSON.parse(invocation.payload);
    stateCaller(event);
    const context = {
      awsRequestId: invocation['invoke-id'],
      invokedFunctionArn: invocation['invoked-function-arn'],
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      getRemainingTimeInMillis: () => Math.max(0, endsAtMs - performance.now()),
    };
    return { value: await Promise.race([call(event, context), late.promise]) };
  } catch (error) {
    return { error: error as Error };
  } finally {
    clearTimeout(timer);
  }
}

function failure({ name, message, stack = '' }: Error) {
  return { errorType: name, errorMessage: message, stackTrace: stack.split('\n') };
}

async function tell(path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${EMULATOR}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await answer.arrayBuffer();
}
