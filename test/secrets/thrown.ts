import { inspect } from 'node:util';

/** What may be thrown with a secret in hand: errors that hold it in whatever place, and things that are no errors. */
export const THROWN: Readonly<Record<string, (secret: string) => unknown>> = {
  'an error': (secret) => new TypeError(`got ${secret}`),
  'an error with a cause': (secret) => new Error('failed', { cause: new Error(secret, { cause: { secret } }) }),
  'many errors': (secret) => new AggregateError([new Error(secret), secret, { secret }], secret),
  'an error with more': (secret) =>
    Object.assign(new Error('failed'), { secret, code: secret, request: { body: secret } }),
  'an error of that name': (secret) => Object.assign(new Error('failed'), { name: secret }),
  'an error of another stack': (secret) =>
    Object.assign(new Error('failed'), {
      stack: `Error: ${secret}\n    at ${secret} (/x.ts:1:1)\n    at /${secret}.ts:1:1`,
    }),
  'an error with getters': (secret) =>
    Object.defineProperties(new Error('failed'), {
      message: { get: () => secret, enumerable: true },
      stack: { get: () => secret, enumerable: true },
    }),
  'an error whose getters throw': (secret) =>
    Object.defineProperty(new Error('failed'), 'name', {
      get() {
        throw new Error(secret);
      },
    }),
  'an error that nobody may look at': (secret) =>
    new Proxy(new Error(secret), {
      get() {
        throw new Error(secret);
      },
    }),
  'a text': (secret) => secret,
  'an object': (secret) => ({
    secret,
    message: secret,
    stack: secret,
    toString: () => secret,
    [inspect.custom]: () => secret,
  }),
  'an object without a prototype': (secret) => Object.assign(Object.create(null), { secret }),
  bytes: (secret) => Buffer.from(secret),
};
