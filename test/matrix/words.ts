import type { Lease } from '../../functions/core/lease.ts';
import type { Verification } from '../../functions/core/target.ts';
import { TARGET } from './orders.ts';
import type { Story } from './scenario.ts';
import type { Step } from './steps.ts';
import type { MatrixWorld } from './world.ts';

/** Nearer to a moment than this is at that moment. */
const AT_ONCE_SECONDS = 10;

/** What a verification said, as the table of docs/docker-hub.md has it. */
export function verificationWords({ verification = 'none', world }: Story): string {
  if (verification === 'passed') return ['passes', ...factsOf(world)].join(', ');
  const [, step] = /^pending:(.*)$/.exec(verification) ?? [];
  if (step !== undefined) return [`waits for \`${step}\``, ...factsOf(world)].join(', ');
  return `\`${verification}\``;
}

/** What was learned that is not so on the documented Docker Hub. */
function factsOf(world: MatrixWorld): string[] {
  const { verification } = world.catalog.targets.get(TARGET) ?? {};
  if (verification === undefined) return [];
  const usual: Partial<Verification> = {
    expiryGranularity: 'second',
    expirySlackSeconds: 0,
    labelMaxCharacters: 100,
    creatorUserAgentKept: true,
  };
  const shown = ['expiryMinSeconds', 'expirySlackSeconds', 'labelMaxCharacters', 'creatorUserAgentKept'] as const;
  return shown
    .filter((name) => verification[name] !== undefined && verification[name] !== usual[name])
    .map((name) => `\`${name}\` ${verification[name]}`);
}

/** How the lease of a step ended, as the table has it. */
export function endWords(world: MatrixWorld, { name, says, leaseId }: Step): string {
  const lease = leaseId === undefined ? undefined : world.leases.rows.get(leaseId);
  if (lease === undefined) return `no lease: \`${says}\``;
  const end = lease.evidence === undefined ? `open: \`${lease.lastError}\`` : proofWords(lease, name === 'kept');
  const isRefused = says !== 'answered' && name !== 'lost';
  return isRefused ? `\`${says}\`, then ${end}` : end;
}

function proofWords({ evidence, issuedAtMs, expiresAtMs, revokedAtMs = 0 }: Lease, isKept: boolean): string {
  const isAfterEnd = isKept && revokedAtMs >= expiresAtMs;
  const seconds = Math.round((revokedAtMs - (isAfterEnd ? expiresAtMs : issuedAtMs)) / 1_000);
  const end = isAfterEnd ? ' its end' : '';
  if (seconds < AT_ONCE_SECONDS) return `\`${evidence?.kind}\` ${isAfterEnd ? `at${end}` : 'at once'}`;
  return `\`${evidence?.kind}\` ${spanWords(seconds)} after${end === '' ? 'wards' : end}`;
}

function spanWords(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
