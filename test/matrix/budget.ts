import type { Request } from './requests.ts';
import { HOUR_MS, type MatrixWorld, MINUTE_MS } from './world.ts';

/**
 * A login that something else answers in Docker Hub's place is repeated after 10 s, 20 s, 40 s, 80 s and then every 2 min: eight
 * times in ten minutes, however many ask for a session.
 */
const MAX_FAILED_LOGINS_PER_10_MIN = 8;
/** One opens a session and one may prove a credential; the next is due when half of the session's life is over. */
const MAX_LOGINS_PER_HALF_SESSION = 2;
/** Source: Docker Hub API reference. */
const SESSION_MS = 10 * MINUTE_MS;
/**
 * The revocation of one lease. Where a delete is only accepted, each attempt takes a DELETE and two looks, after 5 s and then
 * after half of the time waited. Where DELETE fails, pauses double from 2 s to 15 min.
 */
const MAX_PER_LEASE_AND_HOUR = 75;
/** Twelve sweeps an hour: a listing each, a second one where a refused create ends, and some looks at single tokens. */
const MAX_PER_SWEEPS_AND_HOUR = 12 * 10;
/** A sweep may revoke what it finds. */
const MAX_PER_FOUND_LEASE = 6;
/** The ladder of a verification: seven expiries for the longest label and for the shortest. */
const MAX_CREATES_PER_VERIFICATION = 14;
/** Tokens of verifications that live at once. */
const MAX_LIVE_THROWAWAYS = 3;
/** A page begins within the one before, so it brings fewer new tokens than it holds. */
const NEW_SHARE_OF_PAGE = 0.8;

/** What a world sent too much of: a login storm, a hot loop, or tokens that pile up. */
export function overspent(world: MatrixWorld): readonly string[] {
  const { requests, rule, leases } = world;
  const over: string[] = [];
  const hold = (what: string, most: number, bound: number) => {
    if (most > bound) over.push(`${what}: ${most}, at most ${bound}`);
  };
  const isOurLogin = ({ kind, who }: Request) => kind === 'login' && who !== 'owner' && who !== 'verify';
  const failed = requests.mostWithin(10 * MINUTE_MS, (request) => isOurLogin(request) && request.outcome !== 'ok');
  hold('failed logins in ten minutes', failed, MAX_FAILED_LOGINS_PER_10_MIN);
  const succeeded = requests.mostWithin(
    sessionMs(world) / 2,
    (request) => isOurLogin(request) && request.outcome === 'ok',
  );
  hold('logins in half the life of a session', succeeded, MAX_LOGINS_PER_HALF_SESSION);
  const pages = pagesPerListing(world);
  for (const leaseId of requests.leases) {
    const most = requests.mostWithin(HOUR_MS, ({ who }) => who === leaseId);
    hold(`requests for lease ${leaseId} in an hour`, most, MAX_PER_LEASE_AND_HOUR * pages);
  }
  const bySweeps = requests.mostWithin(HOUR_MS, ({ who }) => who === 'sweep');
  const forLeases = MAX_PER_FOUND_LEASE * leases.rows.all().length;
  hold('requests of sweeps in an hour', bySweeps, MAX_PER_SWEEPS_AND_HOUR * pages + forLeases);
  const creates = requests.mostWithin(1_000, ({ who, kind }) => who === 'verify' && kind === 'createToken');
  hold('creates of one verification', creates, MAX_CREATES_PER_VERIFICATION);
  hold('living tokens of verifications', rule.mostThrowaways, MAX_LIVE_THROWAWAYS);
  return over;
}

function sessionMs({ hub }: MatrixWorld): number {
  const { sessionSeconds } = hub.control.settings();
  return sessionSeconds === null ? SESSION_MS : sessionSeconds * 1_000;
}

function pagesPerListing({ hub }: MatrixWorld): number {
  const others = hub.control.tokens().filter(({ foreign }) => foreign).length;
  return Math.max(1, Math.ceil(others / (hub.control.settings().maxPageSize * NEW_SHARE_OF_PAGE)));
}
