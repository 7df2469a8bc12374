import type { Embedded } from './embedded.ts';
import { curlConfigOf } from './front-door/curl-configs.ts';
import { nearPath } from './near-path.ts';
import type { Settings } from './settings.ts';

/** The first line with the bundled fake, so that nobody takes its tokens for real ones. */
const FAKE_LINE = 'FAKE DOCKER HUB: nothing here reaches docker.io, and docker.io refuses its tokens';

/** The text that a person sees when the embedded edition listens, with commands to paste. */
export function readyText(settings: Settings, { endpoint, hubOrigin, credentialsFile, socket }: Embedded): string {
  const isFake = settings.hubOrigin === undefined;
  const ci = nearPath(curlConfigOf(settings.dataFolder, 'hublease-ci'));
  const administrator = nearPath(curlConfigOf(settings.dataFolder, 'hublease-admin'));
  const lines = [
    ...(isFake ? [FAKE_LINE, ''] : []),
    `hublease listens on ${endpoint}`,
    `  Docker Hub   ${hubOrigin}${isFake ? ' (the bundled fake)' : ''}`,
    ...(isFake ? [`  registry     ${new URL(hubOrigin).host}, with one image: demo/hello`] : []),
    `  data         ${nearPath(settings.dataFolder)}`,
    `  Unix socket  ${'path' in socket ? nearPath(socket.path) : `none: ${socket.problem}`}`,
    `  AWS profiles hublease-admin, hublease-ci and hublease-other, in ${nearPath(credentialsFile)}`,
    '',
  ];
  if (isFake) {
    lines.push(
      'Lease a token as the CI role, show the leases, and end the lease:',
      `  curl -K ${ci} -X POST ${endpoint}/lease/demo/pull`,
      `  curl -K ${ci} ${endpoint}/leases`,
      `  curl -K ${ci} -X DELETE ${endpoint}/leases/LEASE_ID`,
      '',
    );
  }
  lines.push(
    'List the dynamic secrets, as the administrator:',
    `  curl -K ${administrator} ${endpoint}/admin/secrets`,
    '',
    'Ctrl-C stops hublease. The next start revokes leases that are due. Docker Hub ends every token at its expiry.',
    '',
  );
  return lines.join('\n');
}
