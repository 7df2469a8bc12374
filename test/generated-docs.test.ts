import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../functions/wire/routes.ts';
import { GATEWAY_PROBLEMS } from '../infra/gateway-problems.ts';
import { PAGES } from '../scripts/api-docs.ts';
import { frontDoorProblems } from '../scripts/door-problems.ts';
import { FAILURES } from '../scripts/failures.ts';
import { redactor } from '../scripts/redaction.ts';

const ROOT = resolve(import.meta.dirname, '..');
const pageOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

describe('a generated page', () => {
  it.each(Object.entries(PAGES))(
    '%s is what npm run docs writes now',
    async (path, make) => {
      expect(pageOf(path)).toBe(await make());
    },
    60_000,
  );

  it('has every route with an example that succeeded', () => {
    const sections = pageOf('docs/api.md').split('\n## ').slice(1);
    expect(sections.map((section) => section.split('\n')[0])).toEqual(
      ROUTES.map(({ method, path }) => `\`${method} /v1${path}\``),
    );
    for (const section of sections) expect(section).toMatch(/```http\n20[0-2]\n/);
  });

  it('has every code of a problem once', () => {
    const codes = [...pageOf('docs/errors.md').matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    expect(codes.sort()).toEqual(Object.keys(FAILURES).sort());
  });

  it('has every code of API Gateway’s own answers, and of the front door that stands in for it', () => {
    const [, gateway = '', frontDoor = ''] = pageOf('docs/errors.md').split(/^## Answers of /m);
    const codesOf = (text: string) => new Set([...text.matchAll(/^\| \d{3} \| `(\w+)` \|/gm)].map(([, code]) => code));
    expect(codesOf(gateway)).toEqual(new Set(GATEWAY_PROBLEMS.map(({ code }) => code)));
    expect(codesOf(frontDoor)).toEqual(new Set(frontDoorProblems().map(({ code }) => code)));
    expect(codesOf(frontDoor).size).toBeGreaterThan(15);
  });

  it('shows no token, and nothing that differs from run to run', () => {
    const page = pageOf('docs/api.md');
    expect([...page.matchAll(/dckr_\w+/g)].map(([token]) => token)).toEqual(
      expect.arrayContaining(['dckr_pat_EXAMPLE', 'dckr_oat_EXAMPLE']),
    );
    expect(page).not.toMatch(/dckr_(?:pat|oat)_(?!EXAMPLE\b)/);
    expect(redactor(Date.UTC(2026, 10, 21, 9, 0, 0))('2026-11-21T09:15:07.123Z')).toBe('2026-11-21T09:15:00.000Z');
  });
});
