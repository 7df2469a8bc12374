import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile } from './profiles.ts';
import { EMBEDDED_SCOPE } from './sigv4.ts';

/** The profile's curl configuration inside the data folder: `curl-ci` for `hublease-ci`. */
export function curlConfigOf(dataFolder: string, profileName: string): string {
  return join(dataFolder, profileName.replace('hublease-', 'curl-'));
}

/**
 * Writes for each profile what curl needs to sign with it (`curl -K FILE URL`), so that no key stands on a command line, where
 * every user of the machine could read it. Same mode as the credentials file. One that is right is left alone, so that a full disk
 * does not keep an installation from starting, and from revoking.
 */
export function writeCurlConfigs(dataFolder: string, profiles: readonly Profile[]): void {
  for (const { name, accessKeyId, secretAccessKey } of profiles) {
    const text = [
      `# Signs requests to hublease as ${name}: curl -K FILE URL`,
      `aws-sigv4 = "aws:amz:${EMBEDDED_SCOPE.region}:${EMBEDDED_SCOPE.service}"`,
      `user = "${accessKeyId}:${secretAccessKey}"`,
      'silent',
      'show-error',
      '',
    ].join('\n');
    const path = curlConfigOf(dataFolder, name);
    if (contentOf(path) !== text) writeFileSync(path, text, { mode: 0o600 });
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
