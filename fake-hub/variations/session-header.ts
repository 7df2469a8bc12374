/** What a session's JWT carries in its header. */

import type { Claims } from '../login/jwt.ts';
import type { FakeHubSettings } from '../settings.ts';

/** Three certificates of a usual length in base64. With its claims and signature a session then has about 6 KiB. */
const CERTIFICATE = 'MII'.padEnd(1_400, 'A');
const CERTIFICATES = [CERTIFICATE, CERTIFICATE, CERTIFICATE];

export function sessionHeader(settings: Pick<FakeHubSettings, 'sessionHeader'>): Claims {
  return settings.sessionHeader === 'x5c' ? { x5c: CERTIFICATES } : {};
}
