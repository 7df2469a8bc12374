import { adminLeases } from './admin-leases.ts';
import { adminSecrets } from './admin-secrets.ts';
import { adminTargets } from './admin-targets.ts';
import type { AdminPorts } from './core/ports/needs.ts';
import { type HttpHandler, http } from './http.ts';
import type { Log } from './log.ts';

/**
 * Answers the `/admin` routes: targets, dynamic secrets and everybody's leases. IAM, or the embedded front door, has let only
 * admins through.
 */
export function admin(ports: AdminPorts, log: Log): HttpHandler {
  return http('admin', ports, log, { ...adminTargets(ports), ...adminSecrets(ports), ...adminLeases(ports) });
}
