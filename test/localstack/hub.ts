import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import type { Certificate } from '../clients/certificate.ts';

/** The user of the target that the tests create through the API, and the user of the target that the stack declares. */
export const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-bot-canary' };
export const OWNERS_ACCOUNT = { username: 'acme-owner', password: 'password-of-the-owner-canary' };
/** A private repository of the first user, in the fake's registry. */
export const REPOSITORY = `${ACCOUNT.username}/app`;

/** The fake Docker Hub, and the port where it serves TLS as `hub.docker.com`. */
export interface HubBehindTls {
  readonly hub: FakeHub;
  readonly port: number;
  close(): Promise<void>;
}

/** Starts both. The fake never expires a token by itself, so only hublease ends tokens. */
export async function startHubBehindTls(certificate: Certificate, nowMs: () => number): Promise<HubBehindTls> {
  const hub = await startFakeHub({
    accounts: [ACCOUNT, OWNERS_ACCOUNT],
    expireTokens: false,
    images: [REPOSITORY],
    nowMs,
  });
  const server = createServer({ key: certificate.key, cert: certificate.certificate }, (socket) => {
    const behind = connect(hub.port, '127.0.0.1');
    socket.pipe(behind).pipe(socket);
    for (const [end, other] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      end.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    hub,
    port: (server.address() as AddressInfo).port,
    async close() {
      await hub.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
