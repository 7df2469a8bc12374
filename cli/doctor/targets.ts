import { type Client, ProblemError } from '../../client/client.ts';
import type { AnswerOf } from '../../functions/wire/operations.ts';
import { openApi } from '../api.ts';
import { EXIT } from '../exit.ts';
import { explain } from '../explain.ts';
import { spoken } from '../output.ts';
import { type AdminLease, collectAllLeases, collectTargets } from '../pages.ts';
import type { CliSettings } from '../settings.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

type Target = AnswerOf<'getTarget'>['body']['target'];
type State = NonNullable<Target['state']>;

/** Maximum number of parallel requests. */
const CONCURRENCY = 4;
/** Maximum number of revoking leases to check for blocking tokens. */
const MAX_LEASES = 1_000;
/** Earlier blocks are not reported: most of them end by themselves. */
const BLOCKED_MS = 600_000;
/** From this share of an organization's limit on, its tokens are reported. */
const NEARLY_FULL_SHARE = 0.8;

const REFUSED: Readonly<Record<NonNullable<State['mintsRefused']>['code'], string>> = {
  expiry_refused: 'Docker Hub does not keep the expiry of its tokens',
  label_refused: 'Docker Hub does not keep the label of its tokens',
  list_lags: 'Docker Hub does not list a new token within 15 minutes',
};

/** The problems of each target, and what to do. Empty for everybody but administrators. */
export async function examineTargets(
  settings: CliSettings,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: () => number,
): Promise<Finding[]> {
  try {
    const client = await openApi(settings, env);
    const names = (await collectTargets(client)).map(({ name }) => name);
    const revoking = await collectAllLeases(client, { status: 'revoking' }, MAX_LEASES);
    const targets = await showAll(client, names);
    return targets.flatMap((target) => {
      const leases = revoking.filter((lease) => lease.target === target.name);
      const findings = examineTarget(target, leases, nowMs());
      return findings.length === 0 ? [ok('target', `${target.name}: no problem found`)] : findings;
    });
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 403) return [];
    const { message, hint = '', exitCode } = explain(error);
    return [failed('target', message, hint, exitCode)];
  }
}

async function showAll(client: Client, names: readonly string[]): Promise<Target[]> {
  const targets: Target[] = [];
  for (let from = 0; from < names.length; from += CONCURRENCY) {
    const some = names.slice(from, from + CONCURRENCY);
    const shown = await Promise.all(some.map((name) => client.call('getTarget', { name })));
    targets.push(...shown.map(({ body }) => body.target));
  }
  return targets;
}

function examineTarget(target: Target, revoking: readonly AdminLease[], nowMs: number): Finding[] {
  const { name, state = {}, verification } = target;
  const warnings = typeof verification === 'object' ? (verification.warnings ?? []) : [];
  return [
    ...examineMints(name, state, nowMs),
    ...examineListing(name, state, nowMs),
    ...examineBlocked(name, revoking, nowMs),
    ...examinePlaces(target, state),
    ...examinePending(name, state, nowMs),
    ...warnings.map((text) => warning('target', `${name}: ${text}`, '')),
  ];
}

function examineMints(name: string, { mintsRefused }: State, nowMs: number): Finding[] {
  if (mintsRefused === undefined) return [];
  const { code, since, triedAt } = mintsRefused;
  const detail = `${name}: gives no leases since ${at(since, nowMs)}: ${REFUSED[code]} (${code})`;
  const anyway =
    code === 'expiry_refused' ? ' With allowUnprovenExpiry it gives leases, but only a delete ends their tokens.' : '';
  const next = `A sweep verifies it hourly, last ${spoken(triedAt, nowMs)}. "hublease targets verify ${name}" does it now.${anyway}`;
  return [failed('target', detail, next, EXIT.dockerHub)];
}

function examineListing(name: string, { listingProblem }: State, nowMs: number): Finding[] {
  if (listingProblem === undefined) return [];
  const { code, since } = listingProblem;
  if (code === 'account_unreachable') {
    const detail = `${name}: Docker Hub denies access to its account since ${at(since, nowMs)}. None of its leases can be proven revoked`;
    const next = 'Give its user the role in the organization again, or check whether the account still exists.';
    return [failed('target', detail, next, EXIT.dockerHub)];
  }
  const detail = `${name}: its list of tokens cannot be used since ${at(since, nowMs)} (${code})`;
  return [warning('target', detail, 'See "Unusable listings" in the runbook.')];
}

function examineBlocked(name: string, revoking: readonly AdminLease[], nowMs: number): Finding[] {
  return revoking.flatMap(({ id, blockedBy = [], revokingSince }) => {
    if (blockedBy.length === 0 || revokingSince === undefined) return [];
    if (nowMs < Date.parse(revokingSince) + BLOCKED_MS) return [];
    const ids = blockedBy.join(' ');
    const detail = `${name}: lease ${id} is blocked since ${at(revokingSince, nowMs)} by ${ids}, which may be its token`;
    const next = `Look at the token on Docker Hub. If hublease made it, delete it there. If not: hublease targets dismiss ${name} ${ids}`;
    return [warning('target', detail, next)];
  });
}

function examinePlaces({ name, maxActive }: Target, { places, cap }: State): Finding[] {
  const most = cap?.tokens ?? maxActive;
  if (places === undefined || most === undefined || places.tokens < most * NEARLY_FULL_SHARE) return [];
  const { tokens, foreign, expired } = places;
  if (foreign + expired === 0) return [];
  const detail = `${name}: ${tokens} of ${most} tokens are in use. ${expired} are expired or inactive, and hublease did not make ${foreign}`;
  return [warning('target', detail, 'They count against the limit. On Docker Hub, delete those that nobody needs.')];
}

function examinePending(name: string, { pendingVerification: pending }: State, nowMs: number): Finding[] {
  if (pending === undefined) return [];
  const detail = `${name}: its verification waits since ${at(pending.since, nowMs)} for Docker Hub to list ${pending.tokenId}`;
  const next = 'Sweeps look for it for 15 minutes. Until then, a lease whose create got no answer stays open.';
  return [warning('target', detail, next)];
}

function at(instant: string, nowMs: number): string {
  return `${instant} (${spoken(instant, nowMs)})`;
}
