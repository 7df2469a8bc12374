import { describe, expect, it } from 'vitest';
import { isListedAlive, suspectsOf } from '../../functions/core/ending/suspects.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { OTHER_USER_AGENT, OUR_USER_AGENT } from './ports/hub.ts';
import { LABELS, NOW_MS, ORG, QUIET_AFTER_MS, TARGET, VERIFICATION, World } from './world.ts';

const QUIET_UNTIL_MS = NOW_MS + QUIET_AFTER_MS;
const HUB_NOW_MS = QUIET_UNTIL_MS + 1_000;
const ORG_TARGET: Target = { ...TARGET, ...ORG };

/** A token of which all six conditions hold, unless changed. */
function aToken(change: Partial<HubToken> = {}): HubToken {
  return {
    tokenId: 'token-s',
    label: 'cut',
    createdAtMs: NOW_MS,
    isActive: true,
    expiresAtMs: HUB_NOW_MS + 1,
    lastUsedAtMs: null,
    creatorUserAgent: OUR_USER_AGENT,
    ...change,
  };
}

function isSuspect(
  token: HubToken,
  { target = TARGET, lease = {}, dated = true }: { target?: Target; lease?: LeaseDetails; dated?: boolean } = {},
): boolean {
  const kept = new World().leaseOf(TARGET, { ...LEASE, ...lease });
  const listing = { startedAtMs: HUB_NOW_MS, tokens: [token], complete: true };
  const dates = dated ? { hubDateMs: HUB_NOW_MS } : {};
  const found = suspectsOf(LABELS.installation, target, kept, { ...listing, ...dates }, QUIET_UNTIL_MS);
  expect(found.length === 0 || found[0] === token).toBe(true);
  return found.length === 1;
}

/** What of a token an organization’s list shows. */
function anOrgToken(createdBy: string | undefined): HubToken {
  const { creatorUserAgent: _, ...token } = aToken();
  return createdBy === undefined ? token : { ...token, createdBy };
}

const LEASE = new World().leaseOf(TARGET);
const OWN = LEASE.hubLabel;

describe('a listed token that may be a lease’s', () => {
  it('is one of which all conditions hold', () => {
    expect(isSuspect(aToken())).toBe(true);
  });

  it.each([
    ['a moment before a minute before the lease', NOW_MS - 60_001, false],
    ['a minute before the lease: Docker Hub’s clock may be behind', NOW_MS - 60_000, true],
    ['a minute after the quiet period', QUIET_UNTIL_MS + 60_000, true],
    ['a moment more than a minute after the quiet period', QUIET_UNTIL_MS + 60_001, false],
    ['nobody knows when', null, true],
  ])('was created %s', (_, createdAtMs, suspect) => {
    expect(isSuspect(aToken({ createdAtMs }))).toBe(suspect);
  });

  it.each([
    [true, true],
    [false, false],
  ])('is active: %s', (isActive, suspect) => {
    expect(isSuspect(aToken({ isActive }))).toBe(suspect);
  });

  it.each([
    ['is still to come', HUB_NOW_MS + 1, true],
    ['is now', HUB_NOW_MS, false],
    ['is over', HUB_NOW_MS - 1, false],
    ['is none', null, true],
  ])('has an end by Docker Hub’s own clock that %s', (_, expiresAtMs, suspect) => {
    expect(isSuspect(aToken({ expiresAtMs }))).toBe(suspect);
  });

  it('may live where Docker Hub does not say what time it is', () => {
    expect(isSuspect(aToken({ expiresAtMs: NOW_MS }), { dated: false })).toBe(true);
  });

  it('is not the lease’s own token, one that was removed as its own, or one that an admin has dismissed', () => {
    expect(isSuspect(aToken(), { lease: { tokenId: 'token-s' } })).toBe(false);
    expect(isSuspect(aToken(), { lease: { tokenId: 'token-t' } })).toBe(true);
    expect(isSuspect(aToken(), { lease: { removedTokenIds: ['token-r', 'token-s'] } })).toBe(false);
    expect(isSuspect(aToken(), { lease: { removedTokenIds: ['token-r'] } })).toBe(true);
    expect(isSuspect(aToken(), { target: { ...TARGET, dismissedTokenIds: ['token-r', 'token-s'] } })).toBe(false);
    expect(isSuspect(aToken(), { target: { ...TARGET, dismissedTokenIds: ['token-r'] } })).toBe(true);
  });

  it('is told apart from all others in one list', () => {
    const tokens = [aToken({ tokenId: 'a' }), aToken({ tokenId: 'b', isActive: false }), aToken({ tokenId: 'c' })];
    const listing = { startedAtMs: HUB_NOW_MS, tokens, complete: true };
    const found = suspectsOf(LABELS.installation, TARGET, LEASE, listing, QUIET_UNTIL_MS);
    expect(found.map(({ tokenId }) => tokenId)).toEqual(['a', 'c']);
  });
});

describe('who made a token', () => {
  it.each([
    ['hublease, of any version', 'hublease/9.9', true],
    ['somebody whose client does not say', undefined, true],
    ['a browser', OTHER_USER_AGENT, false],
    ['a client that only mentions hublease', 'curl (like hublease/0.1)', false],
    ['a client whose name only begins like ours', 'hublease-fork/1', false],
  ])('is %s', (_, creatorUserAgent, suspect) => {
    const { creatorUserAgent: __, ...token } = aToken();
    expect(isSuspect(creatorUserAgent === undefined ? token : { ...token, creatorUserAgent })).toBe(suspect);
  });

  it.each([
    ['a verification saw that something changes it', { ...VERIFICATION, creatorUserAgentKept: false }],
    ['a verification saw none', omit(VERIFICATION, 'creatorUserAgentKept')],
    ['only the login was proven', { atMs: 1, account: 'acme-bot', loginRoute: 'auth-token' } as const],
  ])('tells nothing where %s', (_, verification) => {
    const target = { ...TARGET, verification };
    expect(isSuspect(aToken({ creatorUserAgent: OTHER_USER_AGENT }), { target })).toBe(true);
  });

  it('tells nothing on a target that was never verified', () => {
    const target = omit(TARGET, 'verification');
    expect(isSuspect(aToken({ creatorUserAgent: OTHER_USER_AGENT }), { target })).toBe(true);
  });

  it.each([
    ['the target’s user', 'acme-bot', true],
    ['the target’s user in another case', 'Acme-Bot', true],
    ['nobody that is named', undefined, true],
    ['somebody else', 'somebody', false],
  ])('is, of an organization’s token, %s', (_, createdBy, suspect) => {
    expect(isSuspect(anOrgToken(createdBy), { target: ORG_TARGET })).toBe(suspect);
  });

  it('is, of an organization’s token, not told by the User-Agent', () => {
    const token = { ...anOrgToken('acme-bot'), creatorUserAgent: OTHER_USER_AGENT };
    expect(isSuspect(token, { target: ORG_TARGET })).toBe(true);
    expect(isSuspect({ ...aToken(), createdBy: 'somebody' }, { target: ORG_TARGET })).toBe(false);
  });

  it.each([
    ['nothing was verified', undefined],
    ['no token was read', omit(VERIFICATION, 'labelMaxCharacters')],
    ['no token was seen in the list', omit(VERIFICATION, 'listDelayMs')],
    ['a token was seen that names somebody else', { ...VERIFICATION, creatorUserAgentKept: false }],
  ])('tells nothing of an organization’s token where %s', (_, verification) => {
    const bare = omit(ORG_TARGET, 'verification');
    const target = verification === undefined ? bare : { ...bare, verification };
    expect(isSuspect(anOrgToken('somebody'), { target })).toBe(true);
  });

  it('tells an organization’s tokens apart where Docker Hub named the target’s user, or nobody', () => {
    const target = { ...ORG_TARGET, verification: omit(VERIFICATION, 'creatorUserAgentKept') };
    expect(isSuspect(anOrgToken('somebody'), { target })).toBe(false);
  });
});

describe('a label that is not the lease’s own', () => {
  const another = new World().label('01K9ZC3V7M8Q2R4T6W8Y0ZZZZZ', 'acme-bot');

  it.each<[string, string]>([
    ['is empty', ''],
    ['is anything at all', 'laptop'],
    ['is ours, whole', OWN],
    ['is ours with another MAC', `${OWN.slice(0, -1)}!`],
    ['is ours, cut within the MAC', OWN.slice(0, 50)],
    ['is ours, cut behind the lease', OWN.slice(0, 39)],
    ['is ours, cut within the lease', OWN.slice(0, 20)],
    ['is ours, cut within the installation', OWN.slice(0, 8)],
    ['is ours, cut behind its first word', 'hl1:'],
    ['is ours, cut within its first word', 'hl1'],
    ['is ours, cut within the lease, with words behind it', `${OWN.slice(0, 20)} renamed`],
    ['is ours in lower case', OWN.toLowerCase()],
    ['is ours in upper case', OWN.toUpperCase()],
    ['is ours behind something else', `[ci] ${OWN}`],
    ['is another lease’s behind something else', `[ci] ${another}`],
  ])('may be what became of it where it %s', (_, label) => {
    expect(isSuspect(aToken({ label }))).toBe(true);
  });

  it.each<[string, string]>([
    ['another lease', another],
    ['another lease in lower case', another.toLowerCase()],
    ['another lease in upper case', another.toUpperCase()],
    ['another lease, cut behind it', another.slice(0, 39)],
    ['another installation', OWN.replace('abcd1234', 'abcd1235')],
    ['another installation, cut behind it', 'hl1:abcd1235'],
    ['another installation, as far as it can be read', 'hl1:x'],
  ])('is no matter where it names %s', (_, label) => {
    expect(isSuspect(aToken({ label }))).toBe(false);
  });
});

describe('a listed token', () => {
  it.each([
    ['active and without an end', true, null, HUB_NOW_MS, true],
    ['active a moment before its end', true, HUB_NOW_MS + 1, HUB_NOW_MS, true],
    ['active at its end', true, HUB_NOW_MS, HUB_NOW_MS, false],
    ['active, where the time is not known', true, 1, undefined, true],
    ['inactive and without an end', false, null, HUB_NOW_MS, false],
    ['inactive, where the time is not known', false, null, undefined, false],
  ])('that is %s can be used, or not', (_, isActive, expiresAtMs, hubDateMs, alive) => {
    expect(isListedAlive(aToken({ isActive, expiresAtMs }), hubDateMs)).toBe(alive);
  });
});

function omit<T extends object, K extends keyof T>(from: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = from;
  return rest;
}
