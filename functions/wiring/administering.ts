import { tokenMinter } from '../adapters/docker-hub/create.ts';
import type { AdminPorts } from '../core/ports/needs.ts';
import type { RevokerSettings } from '../env.ts';
import { measuredMinter } from './measured.ts';
import { type Wired, type WiringOverrides, wireRevoking } from './revoking.ts';

/**
 * Builds the AWS edition's adapters with what creates the token of a verification. Apart from `wireRevoking`, so that what only
 * revokes is not even bundled with what creates.
 */
export function wireAdministering(
  settings: RevokerSettings,
  overrides: WiringOverrides = {},
): Omit<Wired, 'ports'> & { readonly ports: () => Promise<AdminPorts> } {
  const wired = wireRevoking(settings, overrides);
  const { clock, meter, hubOptions } = wired;
  const minter = measuredMinter(tokenMinter(hubOptions), meter, clock);
  return { ...wired, ports: async () => ({ ...(await wired.ports()), minter }) };
}
