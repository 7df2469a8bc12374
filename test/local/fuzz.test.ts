import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Canaries } from '../canary.ts';
import { operationOf } from '../openapi/document.ts';
import { malformed, spoiled } from '../openapi/malformed.ts';
import type { Wire } from '../openapi/wire.ts';
import { TOTP_CANARY } from '../openapi/world.ts';
import { CANARY } from '../sim/canary.ts';
import { ACCOUNT, type Edition, lease, openEdition, type ProfileName, START_LIMIT_MS, setUp } from './harness.ts';
import { sign } from './signing.ts';

/**
 * A few of the malformed requests that are made from the OpenAPI document, over HTTP to the edition as its users run it: what only
 * that shows is the front door, bytes that are no text, and what is left in its files.
 */
const REQUESTS = 300;
/** The same requests every time, so that a failure is the change's and not the day's. */
const SEED = 20_261_121;

/** With characters that JSON, URLs and base64 each write in another way, so that every form of it differs. */
const PASSWORD = 'Canary"pass/word+42=ö';
const TOTP_SECRET = 'CANARYCANARYCANARYCANARY234567AB';
let edition: Edition;
/** What was sent, and what the edition gave out itself: tokens, with their mint's own answer as the only place. */
const canaries = new Canaries();
canaries.plant('password', PASSWORD);
canaries.plant('TOTP secret', TOTP_SECRET);
canaries.plant('what requests hold', CANARY, TOTP_CANARY);

beforeAll(async () => {
  edition = await openEdition({
    flags: ['--log-level', 'info'],
    hub: { accounts: [ACCOUNT, { username: 'planted-bot', password: PASSWORD, totpSecret: TOTP_SECRET }] },
  });
  await setUp(edition);
  const credential = { username: 'planted-bot', password: PASSWORD, totpSecret: TOTP_SECRET };
  await edition.admin.call('putTarget', { name: 'planted-bot', body: { kind: 'user', credential } });
  for (const client of [edition.ci, edition.ci])
    canaries.plant('token', (await lease(client, '1m')).credential.password);
  for (const { secretAccessKey } of Object.values(edition.profiles)) canaries.plant('signing key', secretAccessKey);
  return () => edition.close();
}, START_LIMIT_MS);

interface Sent {
  readonly profile: ProfileName;
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string[]>;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Signs what it is given, however odd, and sends those very bytes. */
async function sendSigned({ profile, method, path, query, headers, body }: Sent): Promise<Reply> {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const draft = { method, path, query, headers: { ...headers, 'x-amz-content-sha256': sha256 } };
  const host = `127.0.0.1:${edition.port}`;
  const wire = await sign(edition.profiles[profile], draft, Date.now(), { host });
  return new Promise((resolve, reject) => {
    const req = request({
      host: '127.0.0.1',
      port: edition.port,
      agent: false,
      method,
      path: wire.query === '' ? path : `${path}?${wire.query}`,
      headers: [...wire.headers, ['content-length', String(body.length)]].flat(),
    });
    req.on('error', reject);
    req.on('response', (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        const head = JSON.stringify([res.statusMessage, res.rawHeaders]);
        resolve({ status: res.statusCode ?? 0, text: `${head}\n${Buffer.concat(chunks)}` });
      });
      res.on('error', reject);
    });
    req.end(body);
  });
}

/** Whether a client can send it at all, and it is then as wrong as it was: the gateway's part is played by the front door. */
function canBeSent({ method, path, query, headers }: Wire): boolean {
  const names = Object.keys(query);
  return (
    /^[A-Z]+$/.test(method) &&
    /^[!-"$->@-~]+$/.test(path) &&
    [...names, ...Object.values(query).flat()].every((text) => text.isWellFormed()) &&
    // The signer that is used here loses it.
    !names.includes('__proto__') &&
    headers.every(([, value]) => /^[\t -~]*$/.test(value))
  );
}

const overHttp: fc.Arbitrary<Sent> = malformed
  .map(({ call, faults }) => ({
    call,
    faults: faults.filter((fault) => !['event', 'request context', 'caller'].includes(fault.in)),
  }))
  .filter(({ faults }) => !faults.some((fault) => fault.in === 'encoding' && /flag|url-safe/.test(fault.how)))
  .map((each) => ({ ...spoiled(each), admin: operationOf(each.call.operation).admin }))
  .filter(({ wire, took }) => took.length > 0 && canBeSent(wire))
  .map(({ wire, admin }) => ({
    profile: admin ? 'hublease-admin' : 'hublease-ci',
    method: wire.method,
    path: wire.path,
    query: Object.fromEntries(Object.entries(wire.query).map(([name, values]) => [name, [...values]])),
    // The signature is the client's own.
    headers: Object.fromEntries(wire.headers.filter(([name]) => !/^(?:authorization|x-amz-.*)$/i.test(name))),
    body: Buffer.from(wire.body ?? '', wire.isBase64Encoded ? 'base64' : 'utf8'),
  }));

describe(`${REQUESTS} malformed requests`, () => {
  const statuses = new Map<number, number>();

  it('are each refused with a 4xx, and never with a secret', async () => {
    await fc.assert(
      fc.asyncProperty(overHttp, async (each) => {
        const { status, text } = await sendSigned(each);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(Math.floor(status / 100), text).toBe(4);
        expect(canaries.seenIn(text)).toEqual([]);
      }),
      { numRuns: REQUESTS, seed: SEED },
    );
  });

  it('came past the signature, and met what reads paths, queries and bodies', () => {
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBe(REQUESTS);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(REQUESTS / 2);
    expect(statuses.get(403) ?? 0).toBeLessThan(REQUESTS / 10);
  });

  it('would not pass with bytes that are no UTF-8 in a password, as something like it', async () => {
    const credential = { username: 'planted-bot', password: PASSWORD };
    const text = Buffer.from(JSON.stringify({ kind: 'user', credential }));
    const at = text.indexOf('Canary');
    const { status, text: answer } = await sendSigned({
      profile: 'hublease-admin',
      method: 'PUT',
      path: '/v1/admin/targets/fuzz/bytes',
      query: {},
      headers: { 'content-type': 'application/json' },
      body: Buffer.concat([text.subarray(0, at), Buffer.from([0xff]), text.subarray(at)]),
    });
    expect(status).toBe(400);
    expect(answer).toContain('body: expected UTF-8.');
  });

  it('left the edition in order', async () => {
    const minted = await lease(edition.ci, '1m');
    canaries.plant('token', minted.credential.password);
    expect(minted.lease.status).toBe('active');
    const { body } = await edition.admin.call('getTarget', { name: 'acme-bot' });
    expect(body.target).toMatchObject({ username: 'acme-bot', status: 'ready' });
  });

  it('left no secret in the log, the audit log or the database, in no form that a secret takes', async () => {
    const lines = edition.log().trim().split('\n');
    expect(lines.length).toBeGreaterThan(REQUESTS / 2);
    expect(canaries.seenIn(edition.log())).toEqual([]);
    const kept = (name: string) => /^(audit|hublease\.sqlite)/.test(name);
    const look = () => {
      const files = readdirSync(edition.dataFolder).filter(kept);
      for (const name of files) {
        expect(canaries.seenIn(readFileSync(join(edition.dataFolder, name))), name).toEqual([]);
      }
      return files;
    };
    // While it runs, the write-ahead log included, and what is left of both when it has ended.
    expect(look()).toEqual(expect.arrayContaining(['audit.jsonl', 'hublease.sqlite', 'hublease.sqlite-wal']));
    await edition.end('SIGTERM');
    expect(look()).toEqual(expect.arrayContaining(['audit.jsonl', 'hublease.sqlite']));
    expect(canaries.seenIn(edition.log())).toEqual([]);
  });
});
