import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

describe('docs/audit.md', () => {
  const page = read('docs/audit.md');
  const union = (file: string, type: string) =>
    [...(new RegExp(`export type ${type} =([^;]+);`).exec(read(file))?.[1] ?? '').matchAll(/'([^']+)'/g)].map(
      (match) => match[1] as string,
    );

  it('lists every event there is, and no other', () => {
    const events = union('functions/core/model/audit-event.ts', 'AuditEventName');
    expect(events.length).toBeGreaterThan(15);
    const listed = [...page.matchAll(/`((?:lease|token|login|account|listing|clock|target|secret)\.[a-z_]+)`/g)].map(
      (match) => match[1],
    );
    expect([...new Set(listed)].sort()).toEqual([...events].sort());
  });

  it('names every reason for a revocation', () => {
    for (const reason of union('functions/core/model/lease.ts', 'RevokeReason'))
      expect(page).toContain(`\`${reason}\``);
  });
});
