/** The control over HTTP, under `/_fake/`, so that a process can steer a fake that runs in another one. */

import { type Answer, fieldsOf, json, ROUTE_NAMES } from '../answer.ts';
import { FAULT_KINDS, type FakeFault } from '../faults.ts';
import { isSettingName, isSettingValue } from '../setting-values.ts';
import { DEFAULT_SETTINGS, type FakeHubSettings } from '../settings.ts';
import type { TokenResource } from '../tokens/token-row.ts';
import type { FakeHubControl, ForeignToken } from './control.ts';

/** Docker Hub has no path like this. */
export const CONTROL_PREFIX = '/_fake/';

const MAX_FAULTS = 100;

/** Longest latency, 10 minutes, and largest oversized answer, 64 MiB: more would only exhaust the machine. */
const MAX_LATENCY_MS = 600_000;
const MAX_OVERSIZED_BYTES = 64 * 1024 * 1024;

/** What is wrong with a control request. The text is the fake's own, never a caught error's. */
class ControlRefused extends Error {}

/**
 * Answers a control request: `GET state|tokens|deletions|patches|calls`, `POST tokens|release|reset|end-sessions|password`,
 * `PUT faults` and `PATCH settings`, each with JSON as the in-process control has it. 400 says what is wrong, 404 when there
 * is no such control.
 */
export function answerControl(control: FakeHubControl, method: string, path: string, body: unknown): Answer {
  try {
    const value = act(control, `${method} ${path.slice(CONTROL_PREFIX.length)}`, fieldsOf(body));
    return value === undefined ? json(404, { problem: 'no such control' }) : json(200, value);
  } catch (error) {
    if (error instanceof ControlRefused) return json(400, { problem: error.message });
    throw error;
  }
}

function act(control: FakeHubControl, what: string, body: Readonly<Record<string, unknown>>): object | undefined {
  switch (what) {
    case 'GET state':
      return {
        tokens: control.tokens(),
        deletions: control.deletions(),
        patches: control.patches(),
        calls: control.calls(),
        settings: control.settings(),
        heldCount: control.heldCount(),
      };
    case 'GET tokens':
      return { tokens: control.tokens() };
    case 'GET deletions':
      return { deletions: control.deletions() };
    case 'GET patches':
      return { patches: control.patches() };
    case 'GET calls':
      return control.calls();
    case 'POST tokens':
      return control.createForeignToken(readForeignToken(body));
    case 'PUT faults':
      control.setFaults(readFaults(body.faults));
      return {};
    case 'PATCH settings':
      control.set(readSettings(body));
      return control.settings();
    case 'POST release':
      return { released: control.release() };
    case 'POST reset':
      control.reset();
      return {};
    case 'POST end-sessions':
      control.endSessions();
      return {};
    case 'POST password':
      check(control.setPassword(text(body, 'username'), text(body, 'password')), 'unknown username');
      return {};
    default:
      return undefined;
  }
}

function readForeignToken(body: Readonly<Record<string, unknown>>): ForeignToken {
  const { kind, scopes, resources, createdAtMs, expiresAtMs, isActive, creatorUserAgent, odd } = body;
  check(kind === 'pat' || kind === 'oat', 'kind: pat or oat');
  check(scopes === undefined || isTexts(scopes), 'scopes: an array of strings');
  check(resources === undefined || isResources(resources), 'resources: an array of { type, path, scopes }');
  check(createdAtMs === undefined || Number.isSafeInteger(createdAtMs), 'createdAtMs: milliseconds');
  check(expiresAtMs == null || Number.isSafeInteger(expiresAtMs), 'expiresAtMs: milliseconds or null');
  check(isActive === undefined || typeof isActive === 'boolean', 'isActive: a boolean');
  check(creatorUserAgent === undefined || typeof creatorUserAgent === 'string', 'creatorUserAgent: a string');
  check(odd === undefined || odd === 'created-null' || odd === 'label-null', 'odd: created-null or label-null');
  const optional = { scopes, resources, createdAtMs, expiresAtMs, isActive, creatorUserAgent, odd };
  const rest = given(optional) as Partial<ForeignToken>;
  return { ...rest, account: text(body, 'account'), kind, label: text(body, 'label') };
}

function readFaults(input: unknown): FakeFault[] {
  check(Array.isArray(input) && input.length <= MAX_FAULTS, `faults: an array of at most ${MAX_FAULTS}`);
  return input.map((entry) => {
    const fault = fieldsOf(entry);
    const { route, kind, probability, count } = fault;
    check(route === '*' || ROUTE_NAMES.some((name) => name === route), `route: * or ${ROUTE_NAMES.join(', ')}`);
    check(
      FAULT_KINDS.some((known) => known === kind),
      `kind: ${FAULT_KINDS.join(', ')}`,
    );
    check(probability === undefined || isWithin(probability, 0, 1), 'probability: 0 to 1');
    check(count === undefined || (Number.isSafeInteger(count) && Number(count) > 0), 'count: a positive integer');
    check(kind !== 'latency' || isWithin(fault.latencyMs, 0, MAX_LATENCY_MS), `latencyMs: 0 to ${MAX_LATENCY_MS}`);
    const { retryAfterSeconds, status, applied, location, bytes } = fault;
    check(retryAfterSeconds === undefined || isWithin(retryAfterSeconds, 0, 86_400), 'retryAfterSeconds: 0 to 86400');
    check(status === undefined || (Number.isInteger(status) && isWithin(status, 500, 599)), 'status: 500 to 599');
    check(applied === undefined || typeof applied === 'boolean', 'applied: a boolean');
    check(location === undefined || isHeaderText(location), 'location: printable ASCII');
    check(bytes === undefined || isWithin(bytes, 0, MAX_OVERSIZED_BYTES), `bytes: 0 to ${MAX_OVERSIZED_BYTES}`);
    // Each field that a fault may have was checked above.
    return fault as unknown as FakeFault;
  });
}

function readSettings(body: Readonly<Record<string, unknown>>): Partial<FakeHubSettings> {
  for (const [name, value] of Object.entries(body)) {
    check(isSettingName(name), `settings: ${Object.keys(DEFAULT_SETTINGS).join(', ')}`);
    check(isSettingValue(name, value), `${name}: not one of its values`);
  }
  return body;
}

function check(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new ControlRefused(problem);
}

function text(body: Readonly<Record<string, unknown>>, field: string): string {
  const value = body[field];
  check(typeof value === 'string' && value !== '', `${field}: a string`);
  return value;
}

function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function isResources(value: unknown): value is TokenResource[] {
  return (
    Array.isArray(value) &&
    value.map(fieldsOf).every(({ type, path, scopes }) => isTexts([type, path]) && isTexts(scopes))
  );
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function isHeaderText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21-\x7e]{1,2000}$/.test(value);
}
