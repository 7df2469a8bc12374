import type { Meter } from '../adapters/aws/metrics.ts';
import type { AuditEvent } from '../core/model/audit-event.ts';
import type { Audit } from '../core/ports/audit.ts';
import type { DockerHub, HubReply, TokenMinter } from '../core/ports/docker-hub.ts';
import type { Clock } from '../core/ports/environment.ts';

/**
 * Counts decisions as they are written down, so that metrics and audit cannot tell different stories, and those that are lost.
 *
 * @param isRequired a token whose grant is lost is answered to nobody, and does not count as minted.
 */
export function measuredAudit(audit: Audit, meter: Meter, isRequired = false): Audit {
  return {
    async record(event) {
      const mayBeGivenUp = isRequired && event.event === 'lease.granted';
      if (!mayBeGivenUp) measure(event, meter);
      const outcome = await audit.record(event);
      if (mayBeGivenUp && outcome === 'stored') measure(event, meter);
      if (outcome === 'lost') meter.record('AuditEventsLost', 1, { facts: factsOf(event) });
      return outcome;
    },
  };
}

function factsOf({ target, leaseId }: AuditEvent): Record<string, string> {
  return { ...(target !== undefined && { target }), ...(leaseId !== undefined && { leaseId }) };
}

function measure(decision: AuditEvent, meter: Meter): void {
  const { event, detail = {} } = decision;
  const facts = factsOf(decision);
  switch (event) {
    case 'lease.granted':
      meter.record('LeasesMinted', 1, { facts });
      return;
    case 'lease.revoked':
      meter.record('LeasesRevoked', 1, { by: String(detail.reason), facts });
      if (detail.reason === 'expired') meter.record('TimeToRevokeSeconds', Number(detail.overdueMs) / 1_000, { facts });
      return;
    case 'lease.revoke_delayed':
      // Waiting for the quiet period is how an ambiguous mint is closed, and no failure.
      if (detail.waiting !== true) meter.record('RevokeFailures', 1, { facts });
      return;
    case 'lease.reopened':
      meter.record('LeasesReopened', 1, { facts });
      return;
    case 'lease.blocked':
      meter.record('LeasesBlocked', 1, { facts });
      return;
    case 'lease.attested':
      // No proof, and so not among the revoked ones.
      meter.record('LeasesAttested', 1, { facts });
      return;
    case 'target.refused':
      meter.record('TargetsRefused', 1, { facts });
      return;
    case 'account.unreachable':
      meter.record('AccountsUnreachable', 1, { facts });
      return;
    case 'listing.unusable':
      meter.record('ListingsUnusable', 1, { facts });
      return;
    case 'login.refused':
      meter.record('LoginBreakerOpen', 1, { facts });
      return;
    case 'clock.skewed':
      meter.record('ClockSkewSeconds', Math.abs(Number(detail.skewMs)) / 1_000, { facts });
      return;
    default:
      return;
  }
}

/** Measures every call to Docker Hub. */
export function measuredHub(hub: DockerHub, meter: Meter, clock: Clock): DockerHub {
  return {
    login: (...args) => measured(hub.login(...args), meter, clock),
    listTokens: (...args) => measured(hub.listTokens(...args), meter, clock),
    getToken: (...args) => measured(hub.getToken(...args), meter, clock),
    deleteToken: (...args) => measured(hub.deleteToken(...args), meter, clock),
    readDate: () => measured(hub.readDate(), meter, clock),
  };
}

/** Measures the create. */
export function measuredMinter(minter: TokenMinter, meter: Meter, clock: Clock): TokenMinter {
  return { createToken: (...args) => measured(minter.createToken(...args), meter, clock) };
}

async function measured<T>(call: Promise<HubReply<T>>, meter: Meter, clock: Clock): Promise<HubReply<T>> {
  const startedMs = clock.nowMs();
  const reply = await call;
  meter.record('HubLatencyMs', clock.nowMs() - startedMs);
  // A token that is gone is an answer, not an error.
  if (!reply.ok && reply.problem.tag !== 'not_found')
    meter.record('HubErrors', 1, { facts: { problem: reply.problem.tag } });
  if (reply.meta.rateRemaining !== undefined) meter.record('HubRemainingRate', reply.meta.rateRemaining);
  return reply;
}
