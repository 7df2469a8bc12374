/** Tells the functions who calls. The emulator checks no signatures, so it cannot know. */
export const CALLER_HEADER = 'x-hublease-test-caller';

type Headers = Record<string, unknown> | null | undefined;

interface ProxyEvent {
  headers?: Headers;
  multiValueHeaders?: Headers;
  requestContext?: { identity?: Record<string, unknown> };
}

/**
 * Moves the caller from the header to the place where API Gateway puts it. Leaves other events as they are.
 * Source: API Gateway Developer Guide, "$context variables", `identity`.
 */
export function stateCaller(event: unknown): void {
  const { headers, multiValueHeaders, requestContext } = (event ?? {}) as ProxyEvent;
  const identity = requestContext?.identity;
  if (identity === undefined) return;
  const userArn = take(headers);
  take(multiValueHeaders);
  if (typeof userArn !== 'string') return;
  const [, , , , accountId, resource = ''] = userArn.split(':');
  Object.assign(identity, { userArn, accountId, ...idsOf(resource) });
}

/** An id like the unique one that IAM gives a role, and the name of the session. */
function idsOf(resource: string): { readonly caller: string; readonly user: string } {
  const [, role = '', session = ''] = resource.split('/');
  const id = `AROA${Buffer.from(role).toString('hex').toUpperCase().padEnd(17, '0').slice(0, 17)}:${session}`;
  return { caller: id, user: id };
}

function take(headers: Headers): unknown {
  const name = Object.keys(headers ?? {}).find((each) => each.toLowerCase() === CALLER_HEADER);
  if (name === undefined || !headers) return undefined;
  const value = headers[name];
  delete headers[name];
  return value;
}
