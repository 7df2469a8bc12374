/** Why a request whose signature holds is not answered: it was not signed for this edition as it runs now. */
export type ForeignRefusal =
  | { readonly reason: 'other_host'; readonly expected: string }
  | { readonly reason: 'signed_before_start'; readonly signedAtMs: number; readonly readyAtMs: number };

/** What tells this edition, as it runs now, from whatever else listens or listened on its port. */
export interface OwnRequests {
  /** Each is a `Host` in lower case that requests may be signed for; the first is its own. */
  readonly hosts: readonly string[];
  /** When it came to listen, by its clock as that stands at `nowMs`: it may have been set since. */
  readonly readyAtMs: (nowMs: number) => number;
}

/**
 * This instant, by a clock that may be set afterwards.
 *
 * @param steadyMs never set.
 * @returns what that clock calls the same instant, given what it says now.
 */
export function instantNow(steadyMs: () => number): (nowMs: number) => number {
  const atSteadyMs = steadyMs();
  return (nowMs) => nowMs - (steadyMs() - atSteadyMs);
}

/** `127.0.0.1:PORT`, and further hosts that its operator named. `localhost` is not among them: `[::1]` may be another program's. */
export function ownHosts(port: number, acceptHosts: readonly string[] = []): readonly string[] {
  const own = `127.0.0.1:${port}`;
  // Clients leave the default port of http out.
  return [own, ...(port === 80 ? ['127.0.0.1'] : []), ...acceptHosts.map((host) => host.toLowerCase())];
}

/**
 * Refuses what another program on this machine may have been sent in our place, and now repeats: a request for another address, and
 * one that was signed before we listened. A signature states its time in whole seconds, so the second in which we came to listen
 * counts as ours.
 *
 * @param request `host` and `signedAtMs` are covered by its signature, which holds.
 * @param nowMs by which its signature was found to hold: the clock may be set in between.
 * @returns undefined for a request that was meant for us.
 */
export function refusalOfForeign(
  request: { readonly host: string; readonly signedAtMs: number },
  { hosts, readyAtMs: readyAt }: OwnRequests,
  nowMs: number,
): ForeignRefusal | undefined {
  if (!hosts.includes(request.host.toLowerCase())) return { reason: 'other_host', expected: hosts[0] as string };
  const { signedAtMs } = request;
  const readyAtMs = readyAt(nowMs);
  if (signedAtMs < Math.floor(readyAtMs / 1_000) * 1_000)
    return { reason: 'signed_before_start', signedAtMs, readyAtMs };
  return undefined;
}
