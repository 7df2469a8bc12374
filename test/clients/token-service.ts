import { sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { Certificate } from './certificate.ts';

/**
 * Serves `GET /token` as auth.docker.io does. Whether a login is live, and what it may do, is the fake Docker Hub's to say; the
 * fake signs as no registry can check, so its claims are signed again, as docker-registry demands.
 * Source: distribution/distribution, "Token Authentication Specification" and `registry/auth/token/token.go` (x5c).
 */
export async function startTokenService(host: string, hubUrl: string, certificate: Certificate): Promise<void> {
  const server = createServer({ key: certificate.key, cert: certificate.certificate }, async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'https://auth.docker.io');
    if (request.method !== 'GET' || pathname !== '/token') return response.writeHead(404).end();
    const { authorization } = request.headers;
    const answer = await fetch(`${hubUrl}/token${search}`, { headers: authorization ? { authorization } : {} });
    const body = (await answer.json()) as { readonly token: string };
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    if (!answer.ok) return response.end(JSON.stringify(body));
    const token = signedAgain(body.token, certificate);
    response.end(JSON.stringify({ ...body, token, access_token: token }));
  });
  server.listen(443, host);
  await once(server, 'listening');
}

function signedAgain(token: string, { key, certificate }: Certificate): string {
  const x5c = [certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '')];
  const header = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'JWT', x5c })).toString('base64url');
  const signed = `${header}.${token.split('.')[1]}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
