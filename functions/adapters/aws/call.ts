/** A failed call to AWS. Contains the operation and AWS' error code, and nothing of the request or the answer. */
export class AwsCallFailed extends Error {
  readonly operation: string;
  /** AWS' exception name, such as `ResourceNotFoundException`, or Node's, such as `ECONNRESET`, or `Unknown`. */
  readonly code: string;

  constructor(operation: string, code: string) {
    super(`${operation}: ${code}`);
    this.name = 'AwsCallFailed';
    this.operation = operation;
    this.code = code;
  }
}

/**
 * Makes one call. The SDK's own errors are not passed on. An error about an incomplete answer quotes the part that was read,
 * which may be a password.
 *
 * @throws AwsCallFailed for every error.
 */
export async function awsCall<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new AwsCallFailed(operation, codeOf(error));
  }
}

/** Whether `error` is a failed call with one of these codes. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof AwsCallFailed && codes.includes(error.code);
}

function codeOf(error: unknown): string {
  const { name, code } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const text = name === 'Error' || name === undefined ? code : name;
  return typeof text === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(text) ? text : 'Unknown';
}
