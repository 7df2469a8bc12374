import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const ROOMS = ['functions', 'infra', 'local', 'fake-hub', 'cli', 'client', 'console', 'action', 'scripts'];

/** Which rooms each room may import, besides itself. `functions` stands for the handlers at its top. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  wire: ['core'],
  adapters: ['core'],
  functions: ['core', 'wire', 'adapters'],
  'fake-hub': [],
  local: ['core', 'wire', 'adapters', 'functions', 'client', 'fake-hub'],
  client: ['wire'],
  cli: ['wire', 'client'],
  action: ['wire', 'client', 'cli'],
  console: ['wire', 'client'],
  infra: [],
  scripts: ['core', 'wire', 'functions', 'local', 'fake-hub', 'infra', 'adapters', 'client', 'cli'],
};

/** What `infra` may know of the code it deploys: the routes, names and shapes, never what runs. */
const INFRA_MAY_IMPORT = [
  'functions/wire/route.ts',
  'functions/wire/routes.ts',
  'functions/wire/consumer-policy.ts',
  'functions/env.ts',
  'functions/adapters/dynamodb/tables.ts',
  'functions/adapters/aws/metric-names.ts',
];

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

function roomOf(file: string): string {
  const [first, second, third] = file.split('/');
  if (first !== 'functions') return first as string;
  return third === undefined || second === 'entry' || second === 'wiring' ? 'functions' : (second as string);
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

const existing = readdirSync(ROOT);
const files = ROOMS.filter((room) => existing.includes(room)).flatMap(filesBelow);

describe('the dependency rule', () => {
  it('sees the rooms', () => {
    expect(files.filter((file) => roomOf(file) === 'core').length).toBeGreaterThan(10);
  });

  it.each(files)('%s imports only what its room may', (file) => {
    const room = roomOf(file);
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) {
        expect(room === 'core' ? specifier : '', `${file} imports ${specifier}`).toBe('');
        continue;
      }
      const imported = relative(ROOT, resolve(ROOT, dirname(file), specifier));
      expect(imported.startsWith('test/'), `${file} imports ${imported}`).toBe(false);
      const to = roomOf(imported);
      const allowed =
        to === room ||
        to === 'package.json' ||
        (room === 'infra' ? INFRA_MAY_IMPORT.includes(imported) : MAY_IMPORT[room]?.includes(to));
      expect(allowed, `${file} imports ${imported}`).toBe(true);
    }
  });

  it('keeps the fake Docker Hub out of whatever runs in Lambda', () => {
    const reaching = files.filter(
      (file) =>
        !/^(?:local|fake-hub|scripts)\//.test(file) &&
        importsOf(file).some((specifier) => specifier.includes('fake-hub')),
    );
    expect(reaching).toEqual([]);
  });
});

/** The rooms of core. Each may import those before it, which leaves no circle. */
const CORE_ROOMS = ['model', 'ports', 'hub', 'ending', 'leases', 'catalog', 'sweeping'];

describe('core', () => {
  const coreRoomOf = (file: string) => file.split('/')[2] as string;

  it('has no file outside its rooms, and no crowded room', () => {
    const counts = new Map<string, number>();
    for (const file of files.filter((file) => roomOf(file) === 'core')) {
      counts.set(coreRoomOf(file), (counts.get(coreRoomOf(file)) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([...CORE_ROOMS].sort());
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(14);
  });

  it.each(files.filter((file) => roomOf(file) === 'core'))('%s imports no room above its own', (file) => {
    for (const specifier of importsOf(file)) {
      const imported = relative(ROOT, resolve(ROOT, dirname(file), specifier));
      const [from, to] = [CORE_ROOMS.indexOf(coreRoomOf(file)), CORE_ROOMS.indexOf(coreRoomOf(imported))];
      expect(to, `${file} imports ${imported}`).toBeLessThanOrEqual(from);
    }
  });

  const AMBIENT =
    /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|fetch\(|process\.|crypto\.|console\.|require\(|globalThis)/;

  it.each(files.filter((file) => roomOf(file) === 'core'))('%s has no clock, no randomness and no I/O', (file) => {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
    const ambient = lines.filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && AMBIENT.test(line));
    expect(ambient).toEqual([]);
  });
});
