import { ALL_OPERATIONS } from '../functions/wire/operations.ts';
import type { Route } from '../functions/wire/route.ts';

const HEAD = `import type { Route } from './route.ts';

/**
 * Generated from \`operations.ts\`; \`npm run docs\` writes it anew. The command line, the client and the construct take the routes from
 * here, so that they load no schemas.
 */
export const ROUTES = [
`;

const TAIL = `] as const satisfies readonly Route[];

export type AnyRoute = (typeof ROUTES)[number];
`;

/** The table of routes for those who must not load the schemas, as TypeScript. */
export function routesFile(): string {
  return `${HEAD}${ALL_OPERATIONS.map(entry).join('')}${TAIL}`;
}

function entry({ method, path, operation, function: fn, who }: Route): string {
  const fields = Object.entries({ method, path, operation, function: fn, who });
  return `  {\n${fields.map(([name, value]) => `    ${name}: '${value}',\n`).join('')}  },\n`;
}
