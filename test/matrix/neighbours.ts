import type { FakeHubControl, ForeignToken } from '../../fake-hub/server.ts';
import { LABELS } from '../core/world.ts';

const DAY_MS = 86_400_000;
/** Between the first leases of a world. */
const YOUNG_MS = 90_000;

/**
 * Tokens that are not ours, as any account has them: an old one of a person, one that another installation of hublease makes at the
 * same time as we do, and an old one that somebody gave a label like ours. None may ever be touched, or keep a lease open.
 */
export function addNeighbours(
  control: FakeHubControl,
  place: Pick<ForeignToken, 'kind' | 'account'>,
  nowMs: number,
): void {
  const others: Omit<ForeignToken, 'kind' | 'account'>[] = [
    { label: 'laptop', createdAtMs: nowMs - 400 * DAY_MS, creatorUserAgent: 'Mozilla/5.0' },
    {
      label: 'hl1:wxyz5678:01KAHYT9G0NE1GHB0VR1NSTA11:k1.AbCdEfGhIjKlMnOp',
      createdAtMs: nowMs + YOUNG_MS,
      creatorUserAgent: 'hublease/0.1.0',
    },
    {
      label: `hl1:${LABELS.installation}:01KAHYT9G0F0RGED0F0RGED001:k1.AbCdEfGhIjKlMnOp`,
      createdAtMs: nowMs - 3 * DAY_MS,
      creatorUserAgent: 'curl/8.5.0',
    },
  ];
  for (const token of others) control.createForeignToken({ ...place, ...token });
}
