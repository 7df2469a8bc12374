import { expect, it } from 'vitest';
import { runToEnd } from './harness.ts';

/** What `npm run demo` promises. */
const LIMIT_MS = 60_000;

it(
  'the demo tells its whole story, every step of it checked, and ends well',
  async () => {
    const { code, stdout, stderr } = await runToEnd('local/demo/main.ts', []);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ {2}ok {2}the token opens the registry$/m);
    expect(stdout).toMatch(/^ {2}ok {2}the token was found by its label and deleted: none is left$/m);
    expect(stdout).toMatch(/^ {2}ok {2}with the leased token acme-bot\/app is pulled, every digest checked \(by /m);
    expect(stdout).toMatch(/\n {2}ok {2}the same pull is refused now \(by .*\n\nEvery step held\.\n$/);
  },
  LIMIT_MS,
);
