import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../functions/adapters/aws/metric-names.ts';
import { leaseToRow } from '../functions/adapters/dynamodb/lease-row.ts';
import { LEASE_TABLE } from '../functions/adapters/dynamodb/tables.ts';
import type { Lease } from '../functions/core/model/lease.ts';
import { STAGE } from '../functions/wire/route.ts';
import { ROUTES } from '../functions/wire/routes.ts';

const ROOT = resolve(import.meta.dirname, '..');

function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...filesBelow('docs', '.md').sort()];

/** Shell, JSON and diagrams hold what looks like headings and links. */
function proseOf(page: string): string {
  return page.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
}

/** Anchors as GitHub makes them: lower case, only letters, digits, hyphens and underscores, spaces as hyphens. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#{1,6} +(.+)$/gm)].map((match) => match[1] as string);
  return new Set(
    headings.map((heading) =>
      heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe.each(PAGES)('%s', (file) => {
  const page = read(file);

  it('has links that lead to a file, and to a heading in it', () => {
    const links = [...proseOf(page).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map((match) => match[1] as string);
    for (const link of links) {
      const [path, anchor] = link.split('#') as [string, string | undefined];
      const target = path === '' ? join(ROOT, file) : resolve(ROOT, dirname(file), path);
      expect(existsSync(target), `${link}: no such file`).toBe(true);
      if (anchor === undefined) continue;
      expect([...anchorsOf(readFileSync(target, 'utf8'))], `${link}: no such heading`).toContain(anchor);
    }
  });

  it('names files of the project that exist', () => {
    const named = [
      ...page.matchAll(
        /(?<![\w/.])(?:test|functions|local|client|infra|examples|scripts)\/[\w./-]*\w\.(?:ts|txt|mjs|json)\b/g,
      ),
    ].map((match) => match[0]);
    for (const path of named) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  it('names routes that the API has', () => {
    const named = [...page.matchAll(/\b(GET|POST|PUT|DELETE) \/v1(\/[\w./{}+-]*)/g)];
    const patterns = ROUTES.map(({ method, path }) => ({
      method,
      pattern: new RegExp(
        `^${path
          .replaceAll('.', '\\.')
          .replaceAll(/\{\w+\+\}/g, '.+')
          .replaceAll(/\{\w+\}/g, '[^/]+')}$`,
      ),
    }));
    for (const [route, method, path] of named) {
      const known = patterns.some((each) => each.method === method && each.pattern.test(path as string));
      expect(known, `${route} (stage ${STAGE})`).toBe(true);
    }
  });

  it('speaks of this project alone, and of no machine that it was written on', () => {
    expect(page).not.toMatch(/\.\.\/shared|\/work\/|\/home\/|\/root\/|\/Users\/|file:\/\//);
  });
});

describe('the architecture page', () => {
  const page = read('docs/architecture.md');

  it('has every index of the lease table', () => {
    for (const { name } of LEASE_TABLE.indexes) expect(page).toContain(`| \`${name}\` |`);
  });

  it('has every port that the core needs', () => {
    const ports = [
      ...read('functions/core/ports/needs.ts').matchAll(/^export interface (\w+Ports)(?: extends \w+)? \{([^}]*)\}/gm),
    ];
    const types = ports.flatMap(([, , members]) =>
      [...(members as string).matchAll(/readonly \w+\??: (?:Pick<)?(\w+)/g)].map((match) => match[1] as string),
    );
    const adapted = [...new Set(types)].filter((type) => !['Clock', 'Ids', 'Limits', 'boolean'].includes(type));
    expect(adapted.length).toBeGreaterThan(10);
    for (const type of adapted) expect(page, type).toMatch(new RegExp(`^\\| ${type} \\|`, 'm'));
  });

  it('draws diagrams whose blocks are all ended', () => {
    const diagrams = [...page.matchAll(/```mermaid\n([\s\S]*?)```/g)].map((match) => match[1] as string);
    expect(diagrams.length).toBeGreaterThan(4);
    for (const diagram of diagrams) {
      const begun = diagram.match(/^ *(?:alt|par|opt|loop)\b/gm) ?? [];
      const ended = diagram.match(/^ *end$/gm) ?? [];
      expect(ended.length, diagram).toBe(begun.length);
    }
  });
});

describe('the runbook', () => {
  const sections = anchorsOf(read('docs/runbook.md'));

  it('has the section of every alarm', () => {
    const alarms = filesBelow('infra', '.ts').flatMap((file) =>
      [...read(file).matchAll(/section: '([^']+)'/g)].map((match) => match[1] as string),
    );
    for (const section of alarms) expect([...sections]).toContain(section);
  });
});

describe('the cost page', () => {
  const page = read('docs/cost.md');

  it('counts a row as one write unit, as long as its texts are of usual length', () => {
    const atMs = 1_795_234_191_268;
    const uuid = '0b5ef7a1-5c4c-4f1e-9d53-0f4b1d1f7a11';
    const lease: Lease = {
      schema: 1,
      id: '01M7Y3W704G7W0N30KXMHN6K7X',
      status: 'revoked',
      version: 3,
      opId: uuid,
      secret: 'ci/release',
      target: 'acme-bot',
      hubAccount: 'acme-bot',
      kind: 'pat',
      scope: 'repo:write',
      caller: 'arn:aws:iam::111122223333:role/ci-release-build',
      label: 'release-build',
      reason: 'nightly build',
      hubLabel: 'hl1:abcdefgh:01M7Y3W704G7W0N30KXMHN6K7X:k1.abcdefghijklmnop release-build',
      requestId: uuid,
      issuedAtMs: atMs,
      expiresAtMs: atMs,
      maxExpiresAtMs: atMs,
      hubExpiresAtMs: atMs,
      renewable: false,
      mintByMs: atMs,
      tokenId: uuid,
      tokenSha256: 'a'.repeat(64),
      attempts: 0,
      evidence: { kind: 'deleted', atMs, httpStatus: 204 },
      revokedAtMs: atMs,
      revokeReason: 'expired',
      ttlAtMs: atMs,
    };
    const bytes = itemBytes(leaseToRow(lease));
    expect(page).toContain('about 820 bytes');
    expect(bytes).toBeGreaterThan(780);
    expect(bytes).toBeLessThan(860);
  });

  it('counts the metrics that there are', () => {
    expect(page).toContain(`| CloudWatch metrics | ${Object.keys(METRICS).length}, and`);
    expect(Object.values(METRICS).filter((metric) => 'dimension' in metric)).toHaveLength(1);
  });

  it('counts the indexes that there are', () => {
    for (const { name } of LEASE_TABLE.indexes) expect(page).toContain(`\`${name}\``);
    expect(LEASE_TABLE.indexes).toHaveLength(5);
  });

  it('adds up', () => {
    const [perMillion = ''] = page.split('### Write units');
    const amounts = [...perMillion.matchAll(/^\| (?!\*\*sum).*\| (?:.*= )?(\d+\.\d\d) \|$/gm)].map((match) =>
      Number(match[1]),
    );
    const total = Number(/^\| \*\*sum\*\*.*\*\*(\d+\.\d\d)\*\* \|$/m.exec(perMillion)?.[1]);
    expect(amounts.length).toBeGreaterThan(10);
    expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBeCloseTo(total, 2);
  });
});

/** Size of an item as DynamoDB counts it. Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats". */
function itemBytes(item: Readonly<Record<string, unknown>>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + name.length + valueBytes(value), 0);
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(value).replace(/0+$/, '').length / 2) + 1;
  if (typeof value === 'object' && value !== null) return 3 + Object.keys(value).length + itemBytes({ ...value });
  return 1;
}
