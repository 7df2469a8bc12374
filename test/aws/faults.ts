import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** One try of a DynamoDB call, as it leaves the client. */
export interface Attempt {
  /** Such as `PutItem`. */
  readonly operation: string;
  /** What is sent, in DynamoDB's own notation. */
  readonly input: Record<string, unknown>;
}

/** What happens to one try: `send` makes DynamoDB apply it and gives its answer, with rows as plain objects. */
export type Fault = (attempt: Attempt, send: () => Promise<unknown>) => Promise<unknown>;

/** Puts a fault between a client and DynamoDB, once per try, below the SDK's own retries. */
export function inject(client: DynamoDBDocumentClient, fault: Fault): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = (context.commandName ?? '').replace(/Command$/, '');
      let answer: Awaited<ReturnType<typeof next>> | undefined;
      const input = args.input as Record<string, unknown>;
      const output = await fault({ operation, input }, async () => {
        answer = await next(args);
        return answer.output;
      });
      return { ...(answer ?? { response: undefined }), output: output as never };
    },
    { step: 'deserialize', priority: 'high', name: 'fault', override: true },
  );
}

/** The tries that a client made, in order, each let through. */
export function record(client: DynamoDBDocumentClient): Attempt[] {
  const attempts: Attempt[] = [];
  inject(client, (attempt, send) => {
    attempts.push(attempt);
    return send();
  });
  return attempts;
}

/** What Node reports when the other side closes a connection. */
function connectionReset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** Applies the first `count` tries of an operation and loses their replies. Returns the tries of that operation. */
export function loseReplies(client: DynamoDBDocumentClient, operation: string, count: number): Attempt[] {
  const attempts: Attempt[] = [];
  inject(client, async (attempt, send) => {
    if (attempt.operation !== operation) return send();
    attempts.push(attempt);
    const answer = await send();
    if (attempts.length <= count) throw connectionReset();
    return answer;
  });
  return attempts;
}

/** Refuses the first `count` tries of an operation unapplied. Returns the tries of that operation. */
export function refuse(
  client: DynamoDBDocumentClient,
  operation: string,
  count: number,
  error: () => Error,
): Attempt[] {
  const attempts: Attempt[] = [];
  inject(client, async (attempt, send) => {
    if (attempt.operation !== operation) return send();
    attempts.push(attempt);
    if (attempts.length <= count) throw error();
    return send();
  });
  return attempts;
}
