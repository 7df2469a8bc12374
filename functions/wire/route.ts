/** The API's one stage, and so the first segment of every path. */
export const STAGE = 'v1';

/** An operation for those who only call, grant or deploy it: without its schemas. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the stage, in API Gateway's notation: `{id}` is one segment, `{name+}` the rest of the path. At most one of them. */
  readonly path: `/${string}`;
  /** Unique; also OpenAPI's `operationId`. */
  readonly operation: string;
  /** The Lambda function that answers. */
  readonly function: 'broker' | 'admin';
  /** Who may be granted it: `caller` routes may be given to consumers, `admin` routes never. */
  readonly who: 'caller' | 'admin';
}
