import { relative } from 'node:path';
import { curlConfigOf } from './curl-configs.ts';
import type { Embedded } from './embedded.ts';
import type { Settings } from './settings.ts';

/** What a person sees once the embedded edition listens, with commands ready to paste. */
export function readyText(settings: Settings, { endpoint, hubOrigin, credentialsFile }: Embedded): string {
  const near = (path: string) => {
    const short = relative(process.cwd(), path);
    return short.startsWith('..') ? path : short;
  };
  const ci = near(curlConfigOf(settings.dataFolder, 'hublease-ci'));
  const administrator = near(curlConfigOf(settings.dataFolder, 'hublease-admin'));
  const lines = [
    `hublease listens on ${endpoint}`,
    `  Docker Hub   ${hubOrigin}${settings.hubOrigin === undefined ? ' (the bundled fake: nothing here reaches the real one)' : ''}`,
    `  data         ${near(settings.dataFolder)}`,
    `  AWS profiles hublease-admin, hublease-ci and hublease-other, in ${near(credentialsFile)}`,
    '',
  ];
  if (settings.hubOrigin === undefined) {
    lines.push(
      'Lease a token as the CI role, look at the lease, and end it:',
      `  curl -K ${ci} -X POST ${endpoint}/lease/demo/pull`,
      `  curl -K ${ci} ${endpoint}/leases`,
      `  curl -K ${ci} -X DELETE ${endpoint}/leases/LEASE_ID`,
      '',
    );
  }
  lines.push(
    'What is there to lease, as the administrator:',
    `  curl -K ${administrator} ${endpoint}/admin/secrets`,
    '',
    'Ctrl-C ends it; open leases are revoked on time at the next start, and by Docker Hub itself when they expire.',
    '',
  );
  return lines.join('\n');
}
