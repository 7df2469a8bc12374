import type * as z from 'zod';
import { LeaseId, Name } from './fields.ts';

/** What a parameter of a path takes. */
export interface PathParameter {
  readonly schema: z.ZodType;
  readonly description: string;
  /** The one spelling that a path may have. */
  readonly canonical: (value: string) => string;
}

const PATH_PARAMETERS: Readonly<Record<string, PathParameter>> = {
  id: { schema: LeaseId, description: 'Lease id.', canonical: (value) => value.toUpperCase() },
  name: {
    schema: Name,
    description:
      'Up to four segments joined by "/". The slashes are part of the path: send them as they are, never percent-encoded.',
    canonical: (value) => value.toLowerCase(),
  },
};

/** What a parameter takes. Every parameter is checked: one that nothing is known of is a mistake of ours. */
export function pathParameter(name: string): PathParameter {
  const parameter = PATH_PARAMETERS[name];
  if (parameter === undefined) throw new Error(`a path has an unknown parameter ${name}`);
  return parameter;
}

/** The name of a path's parameter; undefined where the path has none. */
export function parameterIn(path: string): string | undefined {
  return /\{(\w+)\+?\}/.exec(path)?.[1];
}
