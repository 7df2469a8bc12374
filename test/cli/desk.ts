import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../functions/api.ts';
import { type Session, type TypeOptions, type } from './terminal.ts';

/** Access keys, which say who signs: signatures are not checked here. */
const CALLERS: Readonly<Record<string, string>> = {
  ADMIN: 'arn:aws:iam::111122223333:role/admin',
  CI: 'arn:aws:sts::111122223333:assumed-role/ci/build-7',
};

/**
 * The command line before the handlers themselves, over ports in memory: for what takes hours on a real clock, or a Docker Hub that is
 * not as documented. IAM is played by the access key alone.
 */
export interface Desk {
  readonly api: Api;
  /** A home folder of its own, empty at first. */
  readonly home: string;
  /** Types a command by the clock of the ports. */
  type(as: 'ADMIN' | 'CI', command: string | readonly string[], options?: TypeOptions): Promise<Session>;
  close(): void;
}

export async function openDesk(): Promise<Desk> {
  const api = await new Api().seed();
  const home = mkdtempSync(join(tmpdir(), 'hublease-desk-'));
  const server = createServer((req, res) => void answer(api, req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    api,
    home,
    type: (as, command, options = {}) =>
      type(command, {
        nowMs: () => api.ports.clock.nowMs(),
        ...options,
        env: {
          PATH: process.env.PATH,
          HOME: home,
          HUBLEASE_ENDPOINT: endpoint,
          AWS_ACCESS_KEY_ID: as,
          AWS_SECRET_ACCESS_KEY: 'unused',
          AWS_EC2_METADATA_DISABLED: 'true',
          ...options.env,
        },
      }),
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function answer(api: Api, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const { pathname, searchParams } = new URL(req.url ?? '', 'http://localhost');
  const key = /Credential=(\w+)\//.exec(req.headers.authorization ?? '')?.[1] ?? '';
  // The doctor compares its clock with the server's.
  res.setHeader('date', new Date(api.ports.clock.nowMs()).toUTCString());
  if (CALLERS[key] === undefined || (key === 'CI' && pathname.startsWith('/v1/admin'))) {
    res.writeHead(403, { 'content-type': 'application/problem+json' });
    res.end(JSON.stringify({ code: 'access_denied', status: 403, detail: 'no', requestId: 'one' }));
    return;
  }
  const query = Object.fromEntries([...searchParams.keys()].map((name) => [name, searchParams.getAll(name)]));
  const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]));
  const { result } = await api.send({
    method: req.method ?? '',
    path: pathname,
    headers,
    userArn: CALLERS[key],
    ...(searchParams.size > 0 && { query }),
    ...(chunks.length > 0 && { body: Buffer.concat(chunks).toString('utf8') }),
  });
  res.writeHead(result.statusCode, result.headers as Record<string, string>);
  res.end(result.body);
}
