import type { Lease } from '../../functions/core/model/lease.ts';
import type { Verification } from '../../functions/core/model/target.ts';
import { TARGET } from './orders.ts';
import type { Story } from './scenario.ts';
import type { Step } from './steps.ts';
import type { MatrixWorld } from './world.ts';

/** Nearer to a moment than this is at that moment. */
const AT_ONCE_SECONDS = 10;
const BOUNDS = [
  { seconds: 120, words: '2 min' },
  { seconds: 1_800, words: 'half an hour' },
];

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

/** Told from the lease's end where it lived that long, and from its order otherwise. */
function proofWords(lease: Lease, isKept: boolean): string {
  const { evidence, issuedAtMs, expiresAtMs, hubExpiresAtMs, revokedAtMs = 0 } = lease;
  const isAtEnd = isKept && revokedAtMs >= expiresAtMs;
  const seconds = (revokedAtMs - (isAtEnd ? expiresAtMs : issuedAtMs)) / 1_000;
  const kind = `\`${evidence?.kind}\``;
  if (seconds < AT_ONCE_SECONDS) return `${kind} ${isAtEnd ? 'at its end' : 'at once'}`;
  const bound = BOUNDS.find((bound) => seconds <= bound.seconds);
  const isOver = revokedAtMs > (lease.hubReportedExpiresAtMs ?? hubExpiresAtMs ?? Number.POSITIVE_INFINITY);
  if (isOver && evidence?.kind !== 'deleted') return `${kind} once the token is past its expiry`;
  return `${kind} ${bound === undefined ? 'much later' : `within ${bound.words}`}`;
}
