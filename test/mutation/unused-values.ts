import { mutantOfThisRun } from './one-mutant.ts';

/**
 * Leaves out of each request what its changed expression no longer mentions. DynamoDB refuses a name or value that is given and
 * not used, and an empty expression: a mutant would die of that, whatever it does.
 */
if (mutantOfThisRun()?.kind === 'query' && mutantOfThisRun()?.file.startsWith('functions/')) {
  const { DynamoDBDocumentClient } = await import('@aws-sdk/lib-dynamodb');
  const { prototype } = DynamoDBDocumentClient;
  const send = prototype.send as (this: object, ...args: unknown[]) => unknown;
  Object.assign(prototype, {
    send(this: object, command: { input: object }, ...rest: unknown[]) {
      prune(command.input as Request);
      return send.call(this, command, ...rest);
    },
  });
}

interface Request {
  [key: string]: unknown;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Record<string, unknown> | undefined;
  TransactItems?: readonly Readonly<Record<string, Request>>[];
}

function prune(request: Request): void {
  for (const item of request.TransactItems ?? []) for (const part of Object.values(item)) prune(part);
  const expressions = Object.keys(request).filter((key) => key.endsWith('Expression'));
  for (const key of expressions) if (request[key] === '') delete request[key];
  const text = expressions.map((key) => request[key]).join(' ');
  for (const key of ['ExpressionAttributeNames', 'ExpressionAttributeValues'] as const) {
    const used = Object.entries(request[key] ?? {}).filter(([name]) => new RegExp(`${name}\\b`).test(text));
    if (used.length > 0) request[key] = Object.fromEntries(used) as never;
    else delete request[key];
  }
}
