import { inspect } from 'node:util';
import { THROWN } from './thrown.ts';

/**
 * Loaded into a process before hublease (`node --import`), makes something fail in the middle of a mint, when the new token has just
 * been read, and fail with the token in hand. `PLANTED_CRASH` says where and with what.
 */

const { place, thrown } = JSON.parse(process.env.PLANTED_CRASH ?? '{}') as { place: string; thrown?: string };
const { parse, stringify } = JSON;
let answers = 0;

const isToken = (value: unknown): value is string => typeof value === 'string' && value.startsWith('dckr_');
const make = (name: string | undefined, token: string) => THROWN[name ?? '']?.(token);

/** Fills the heap with what could be a token. */
function hoard(token: string): never {
  const hoarded: string[][] = [];
  for (;;) hoarded.push(Array.from({ length: 10_000 }, (_, at) => `${token}${hoarded.length}${at}`));
}

const CRASHES: Readonly<Record<string, (token: string) => void>> = {
  uncaught: (token) =>
    void setImmediate(() => {
      throw make(thrown, token);
    }),
  rejected: (token) => void Promise.reject(make(thrown, token)),
  abort: () => process.abort(),
  memory: hoard,
};

JSON.parse = (text, reviver) => {
  const value = parse(text, reviver);
  if (isToken(value?.token)) CRASHES[place]?.(value.token);
  return value;
};

// The answer is written inside the handler: each mint's fails with the next thing that can be thrown.
JSON.stringify = ((value: { credential?: { password?: unknown } } | undefined, ...rest: []) => {
  const token = value?.credential?.password;
  if (place !== 'handler' || !isToken(token)) return stringify(value, ...rest);
  const names = Object.keys(THROWN);
  throw make(names[answers++ % names.length], token);
}) as typeof JSON.stringify;

// Whoever shows an error by hand sees it whole.
inspect.defaultOptions.depth = null;
