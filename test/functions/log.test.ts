import { describe, expect, it } from 'vitest';
import { errorFields, jsonLines, type LogFields, type LogLevel } from '../../functions/log.ts';
import { THROWN } from '../secrets/thrown.ts';

const CANARY = 'c4n4ry';
const clock = { nowMs: () => Date.UTC(2026, 10, 21, 9, 0, 0) };

function written(fields: object, level?: LogLevel): unknown[] {
  const lines: string[] = [];
  const log = jsonLines({ write: (line) => lines.push(line) }, clock, level);
  log.info('request', fields as LogFields);
  log.error('internal', fields as LogFields);
  for (const line of lines) expect(line).toMatch(/^[^\n]*\n$/);
  return lines.map((line) => JSON.parse(line));
}

describe('the log', () => {
  it('writes one JSON object per line, with the time and the level', () => {
    expect(written({ requestId: 'r', status: 200, durationMs: 3 })).toEqual([
      { at: '2026-11-21T09:00:00.000Z', level: 'info', event: 'request', requestId: 'r', status: 200, durationMs: 3 },
      { at: '2026-11-21T09:00:00.000Z', level: 'error', event: 'internal', requestId: 'r', status: 200, durationMs: 3 },
    ]);
  });

  it('drops every field that is not on its list', () => {
    const fields = {
      requestId: 'r',
      message: CANARY,
      body: { password: CANARY },
      error: new Error(CANARY),
      at: CANARY,
    };
    expect(JSON.stringify(written(fields))).not.toContain(CANARY);
  });

  it('cuts what is too long, and leaves out what is undefined', () => {
    const [line] = written({
      target: 'x'.repeat(1_000),
      secret: undefined,
      frames: Array.from({ length: 50 }, () => 'y'.repeat(1_000)),
    });
    const { target, frames, ...rest } = line as { target: string; frames: string[] };
    expect([target.length, frames.length, frames[0]?.length]).toEqual([256, 20, 256]);
    expect(rest).not.toHaveProperty('secret');
  });

  it.each<[LogLevel, string[]]>([
    ['info', ['info', 'error']],
    ['error', ['error']],
    ['silent', []],
  ])('at level %s writes %j', (level, levels) => {
    expect(written({}, level).map((line) => (line as { level: string }).level)).toEqual(levels);
  });
});

describe('what is logged of an error', () => {
  it('is its name and where it came from', () => {
    const fields = errorFields(new TypeError(CANARY));
    expect(fields.errorName).toBe('TypeError');
    expect(fields.frames?.length).toBeGreaterThan(0);
    for (const frame of fields.frames ?? []) expect(frame).toMatch(/^at .*:\d+:\d+\)?$/);
    expect(JSON.stringify(fields)).not.toContain(CANARY);
  });

  it.each<[string, unknown]>([
    [
      'a message of several lines that look like frames',
      new Error(`x\n    at ${CANARY} (/tmp/x.ts:1:1)\n    at /tmp/${CANARY}.ts:1:1`),
    ],
    ['a message that was changed later', Object.assign(new Error(CANARY), { message: 'other' })],
    ['a name that is none', Object.assign(new Error('x'), { name: `${CANARY} 7` })],
    [
      'a message that was changed into a part of itself',
      Object.assign(new Error(`x\n    at /tmp/${CANARY}.ts:1:1`), { message: 'x' }),
    ],
    ['a stack that is none', Object.assign(new Error('x'), { stack: `x\n${CANARY}\n    at f (${CANARY})` })],
    ['a cause', new Error('x', { cause: new Error(CANARY) })],
    ['a thrown text', CANARY],
    ['a thrown object', { name: CANARY, message: CANARY, stack: CANARY }],
    ['nothing', undefined],
    ...Object.entries(THROWN).map(([name, make]): [string, unknown] => [name, make(CANARY)]),
  ])('never has %s', (_, error) => {
    expect(JSON.stringify(errorFields(error))).not.toContain(CANARY);
  });
});
