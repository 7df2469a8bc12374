import { relative } from 'node:path';

/** A path as a person would type it here: relative, unless it leads out of the folder that we were started in. */
export function nearPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
