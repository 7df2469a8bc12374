import { describe, expect, it } from 'vitest';
import { MARK_CHARACTERS } from '../../functions/core/hub/label.ts';
import { clip, type EchoVerdict, judgeEcho } from '../../functions/core/leases/echo.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { CreatedToken } from '../../functions/core/ports/docker-hub.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { NOW_MS, TARGET, VERIFICATION, World } from './world.ts';

const MIN_TTL_SECONDS = 60;
const EXPIRY_REFUSED = { refusal: 'expiry_refused', isOfTarget: true } as const;
const HOUR_MS = 3_600_000;

interface Case {
  readonly lease?: LeaseDetails;
  readonly created?: Partial<CreatedToken>;
  readonly target?: Partial<Target>;
  readonly isVerification?: true;
  /** Since the lease was recorded. */
  readonly elapsedMs?: number;
}

/** A lease of 15 minutes, whose token was asked to end with it. */
function judge({ lease = {}, created = {}, target = {}, isVerification, elapsedMs = 0 }: Case): EchoVerdict {
  const intent = new World().leaseOf(TARGET, { status: 'minting', ...lease });
  const echoed = { tokenId: 'token-1', token: 'secret', label: intent.hubLabel, expiresAtMs: intent.hubExpiresAtMs };
  return judgeEcho(
    { target: { ...TARGET, ...target }, ...(isVerification && { isVerification }) },
    intent,
    { ...echoed, ...created },
    { nowMs: NOW_MS + elapsedMs, minTtlSeconds: MIN_TTL_SECONDS },
  );
}

/** A token's expiry, from the moment at which its lease was recorded. */
const ending = (afterMs: number) => ({ expiresAtMs: NOW_MS + afterMs });

describe('a created token', () => {
  it('that is as it was asked for is answered', () => {
    expect(judge({})).toEqual({});
  });

  it.each<[string, (label: string) => string | undefined, boolean]>([
    ['that is missing', () => undefined, true],
    ['that is empty', () => '', true],
    ['cut within our mark', (label) => label.slice(0, MARK_CHARACTERS - 1), true],
    ['in lower case', (label) => label.toLowerCase(), true],
    ['with something before our mark', (label) => ` ${label}`, true],
    ['cut right behind our mark', (label) => label.slice(0, MARK_CHARACTERS), false],
    ['cut within the caller’s own label', (label) => label.slice(0, -1), false],
    ['with something behind it', (label) => `${label}.`, false],
  ])('with a label %s is given up, which is of the target itself: %s', (_, changed, isOfTarget) => {
    const lease = new World().leaseOf(TARGET, { status: 'minting' });
    const hubLabel = `${lease.hubLabel} release`;
    const unlabelled = { tokenId: 'token-1', token: 'secret', expiresAtMs: lease.hubExpiresAtMs };
    const label = changed(hubLabel);
    const created = label === undefined ? unlabelled : { ...unlabelled, label };
    const bounds = { nowMs: NOW_MS, minTtlSeconds: MIN_TTL_SECONDS };
    expect(judgeEcho({ target: TARGET }, { ...lease, hubLabel }, created, bounds)).toEqual({
      refusal: 'label_refused',
      isOfTarget,
    });
  });

  it('is judged by its label in a verification, and with an unproven expiry, too', () => {
    const target = { allowUnprovenExpiry: true } as const;
    expect(judge({ created: { label: 'x' }, isVerification: true, target })).toMatchObject({
      refusal: 'label_refused',
    });
  });
});

describe('an expiry that is reported later than asked', () => {
  const slack = (expirySlackSeconds: number) => ({ verification: { ...VERIFICATION, expirySlackSeconds } });

  it.each<[string, number, Partial<Target>, EchoVerdict]>([
    ['by a second, for rounding', 901_000, {}, {}],
    ['by more than a second', 901_001, {}, EXPIRY_REFUSED],
    ['by the slack that was learned and a second', 961_000, slack(60), {}],
    ['by more than the slack that was learned', 961_001, slack(60), EXPIRY_REFUSED],
    [
      'by a second where no slack was learned',
      901_000,
      { verification: { ...VERIFICATION, expirySlackSeconds: 0 } },
      {},
    ],
    ['by more than a day where a day was learned', 900_000 + 86_401_001, slack(86_400), EXPIRY_REFUSED],
  ])('%s', (_, afterMs, target, verdict) => {
    expect(judge({ created: ending(afterMs), target })).toEqual(verdict);
  });

  it.each<[string, Partial<Target>]>([
    ['nothing was verified', {}],
    ['only the login was verified', { verification: { atMs: 0, account: 'a', loginRoute: 'auth-token' } }],
  ])('by no more than a second is answered where %s', (_, { verification }) => {
    const { verification: __, ...bare } = TARGET;
    const target = { ...bare, ...(verification && { verification }) };
    const lease = new World().leaseOf(TARGET, { status: 'minting' });
    const at = (expiresAtMs: number) =>
      judgeEcho(
        { target },
        lease,
        { tokenId: 't', token: 's', label: lease.hubLabel, expiresAtMs },
        { nowMs: NOW_MS, minTtlSeconds: 60 },
      );
    expect(at(NOW_MS + 901_000)).toEqual({});
    expect(at(NOW_MS + 901_001)).toEqual(EXPIRY_REFUSED);
  });

  it('is counted from what was asked of Docker Hub, not from the lease’s end', () => {
    const lease = { hubExpiresAtMs: NOW_MS + HOUR_MS };
    expect(judge({ lease, created: ending(HOUR_MS + 1_000) })).toEqual({});
    expect(judge({ lease, created: ending(HOUR_MS + 1_001) })).toEqual(EXPIRY_REFUSED);
  });

  it('is never too late where none was asked for', () => {
    expect(judge({ lease: { hubExpiresAtMs: null }, created: ending(999 * HOUR_MS) })).toEqual({});
  });

  it.each<[string, Case]>([
    ['a verification, which finds that out', { isVerification: true }],
    ['the owner’s word', { target: { allowUnprovenExpiry: true } }],
  ])('or not at all is let pass by %s', (_, by) => {
    expect(judge({ ...by, created: ending(999 * HOUR_MS) })).toEqual({});
    expect(judge({ ...by, created: { expiresAtMs: null } })).toEqual({});
  });

  it('is refused where there is none', () => {
    expect(judge({ created: { expiresAtMs: null } })).toEqual(EXPIRY_REFUSED);
  });
});

describe('an expiry that is reported earlier', () => {
  const renewable = {
    expiresAtMs: NOW_MS + 120_000,
    maxExpiresAtMs: NOW_MS + HOUR_MS,
    hubExpiresAtMs: NOW_MS + HOUR_MS,
  };

  it.each<[string, Case, EchoVerdict]>([
    [
      'than asked, but not than the lease’s last end',
      { lease: { hubExpiresAtMs: NOW_MS + HOUR_MS }, created: ending(900_000) },
      {},
    ],
    ['than the lease’s end moves that', { created: ending(899_999) }, { clippedMs: NOW_MS + 899_999 }],
    ['and leaves the minimum TTL moves the end', { created: ending(60_000) }, { clippedMs: NOW_MS + 60_000 }],
    ['and leaves less than the minimum TTL is refused', { created: ending(59_999) }, EXPIRY_REFUSED],
    [
      'and leaves less than that by the time that it is known is refused',
      { created: ending(60_000), elapsedMs: 1 },
      EXPIRY_REFUSED,
    ],
    [
      'than the last renewal’s end moves that',
      { lease: renewable, created: ending(1_800_000) },
      { clippedMs: NOW_MS + 1_800_000 },
    ],
    [
      'and still covers a lease of the minimum TTL',
      { lease: { ...renewable, expiresAtMs: NOW_MS + 60_000 }, created: ending(60_000), elapsedMs: 900 },
      { clippedMs: NOW_MS + 60_000 },
    ],
    [
      'and does not cover a lease of the minimum TTL is refused',
      { lease: { ...renewable, expiresAtMs: NOW_MS + 60_000 }, created: ending(59_999), elapsedMs: 900 },
      EXPIRY_REFUSED,
    ],
    [
      'moves the end of a verification, too',
      { created: ending(899_999), isVerification: true },
      { clippedMs: NOW_MS + 899_999 },
    ],
  ])('%s', (_, given, verdict) => {
    expect(judge(given)).toEqual(verdict);
  });
});

describe('a clipped lease', () => {
  it.each([
    [NOW_MS + 600_000, NOW_MS + 600_000, NOW_MS + 600_000],
    [NOW_MS + 1_800_000, NOW_MS + 900_000, NOW_MS + 1_800_000],
  ])('ends at %i at the latest', (clippedMs, expiresAtMs, maxExpiresAtMs) => {
    const lease = { expiresAtMs: NOW_MS + 900_000, maxExpiresAtMs: NOW_MS + HOUR_MS };
    expect(clip(lease, clippedMs)).toEqual({ expiresAtMs, maxExpiresAtMs, expiryClipped: true });
  });

  it('keeps a last end that is earlier', () => {
    const lease = { expiresAtMs: NOW_MS + 1, maxExpiresAtMs: NOW_MS + 2 };
    expect(clip(lease, NOW_MS + 3)).toEqual({ ...lease, expiryClipped: true });
  });
});
