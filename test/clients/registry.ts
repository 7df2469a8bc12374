import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Certificate } from './certificate.ts';

const MAX_START_MS = 20_000;
const START_POLL_MS = 25;

/**
 * Starts docker-registry, which trusts the bearers that the certificate's key has signed, and waits until it listens. Ends with
 * the stage. Source: distribution/distribution, "Configuring a registry".
 *
 * @throws Error with its log when it ends instead, or takes too long.
 */
export async function startRegistry(host: string, folder: string, certificate: Certificate): Promise<void> {
  const config = join(folder, 'registry.yml');
  const { keyFile, certificateFile } = certificate;
  const settings = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'registry') } },
    http: { addr: `${host}:443`, tls: { certificate: certificateFile, key: keyFile } },
    auth: {
      token: {
        realm: 'https://auth.docker.io/token',
        service: 'registry.docker.io',
        issuer: 'auth.docker.io',
        rootcertbundle: certificateFile,
      },
    },
  };
  // All JSON is YAML.
  writeFileSync(config, JSON.stringify(settings));
  const registry = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  let log = '';
  registry.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = `${log}${text}`.slice(-2_000);
  });
  const giveUpAtMs = Date.now() + MAX_START_MS;
  while (!(await listens(host))) {
    if (registry.exitCode !== null || Date.now() > giveUpAtMs) throw new Error(`docker-registry did not start: ${log}`);
    await wait(START_POLL_MS);
  }
}

async function listens(host: string): Promise<boolean> {
  const socket = connect(443, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
