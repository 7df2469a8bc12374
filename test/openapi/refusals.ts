import { type Described, operationOf } from './document.ts';
import type { Fault } from './faults.ts';
import { isInValue, placeOf } from './malformed.ts';
import type { Call } from './requests.ts';

/** What a 400 says is wrong. */
export interface Refusal {
  readonly code: string;
  readonly field?: string;
}

/**
 * Where a request that conforms to the document may still be refused with a 400, for a rule that JSON Schema cannot say: fields that
 * exclude or need each other, lists in text, ARNs, keys of a strength. Whatever else is refused, the document promises too much.
 */
const BEYOND_SCHEMAS: Partial<Record<Described['id'], RegExp>> = {
  mintLease: /^(?:ttl|scopes|resources\.\d+\.(?:path|scopes))$/,
  renewLease: /^ttl$/,
  listAllLeases: /^caller$/,
  revokeMatching: /^caller$/,
  revokeAnyLease: /^reason$/,
  putTarget: /^(?:name|credential|organization)$/,
  actOnTarget: /^tokenIds$/,
  putSecret:
    /^(?:name|target|credential|kind|organization|loginRoute|allowUnprovenExpiry|scopes?|namespace|resources(?:\.\d+\.(?:path|scopes))?|defaultTtl|maxTtl|allow\.\d+(?:\.(?:role|id))?|protectionKey\.jwk(?:\.n)?)$/,
};

export function isBeyondSchemas(operation: Described['id'], { code, field = '' }: Refusal): boolean {
  return code === 'invalid_field' && BEYOND_SCHEMAS[operation]?.test(field) === true;
}

/** A field's name as a problem may repeat it. */
const SAFE_NAME = /^[A-Za-z][A-Za-z0-9]{0,31}$/;

/** Whether a refusal names the one fault that a request has. */
export function names(refusal: Refusal, fault: Fault, call: Call): boolean {
  const codes = CODES[fault.in] ?? ['invalid_field'];
  const top = refusal.field?.split('.')[0] ?? '';
  return (
    codes.includes(refusal.code) && (refusal.field === undefined || (fieldsOf(fault, call) ?? [top]).includes(top))
  );
}

const CODES: Partial<Record<Fault['in'], readonly string[]>> = {
  name: ['invalid_field', 'path_not_canonical', 'route_not_found'],
  path: ['path_not_canonical', 'route_not_found', 'invalid_field'],
  method: ['route_not_found', 'method_not_allowed'],
  caller: ['caller_unknown'],
  event: ['invalid_field', 'path_not_canonical', 'route_not_found', 'method_not_allowed'],
  'request context': ['invalid_field', 'path_not_canonical', 'route_not_found', 'method_not_allowed', 'caller_unknown'],
};

/** What a refusal may name, up to the first dot; undefined where any will do. */
function fieldsOf(fault: Fault, call: Call): readonly string[] | undefined {
  if (isInValue(fault)) {
    const [top] = [
      ...(placeOf(operationOf(call.operation), call.body, fault) ?? []),
      ...(fault.in === 'unknown field' ? [fault.name] : []),
    ];
    // With the whole body another, any field may be the first to be missed.
    if (top === undefined) return undefined;
    // Whether a key is strong enough is judged along with the schema, and a conforming request may have a weak one.
    return ['body', 'protectionKey', ...(SAFE_NAME.test(String(top)) ? [String(top)] : [])];
  }
  switch (fault.in) {
    case 'field given twice':
    case 'cut text':
    case 'text':
    case 'added text':
    case 'depth':
    case 'size':
    case 'encoding':
    case 'body where none is':
      return ['body'];
    case 'content type':
      return ['content-type'];
    case 'repeated parameter':
      return ['query'];
    case 'unknown parameter':
      return SAFE_NAME.test(fault.name) ? [fault.name] : ['query'];
    case 'path':
    case 'name':
      return Object.keys(call.path);
    default:
      return undefined;
  }
}
