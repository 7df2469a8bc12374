import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_ATTEMPTS } from '../../functions/adapters/aws/clients.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import { type CallFault, type CallWatch, watchCalls } from './call-watch.ts';
import type { Answer } from './deployment.ts';
import { ACCOUNT, type Aws, findAws, type Installation, prepare, START_TIMEOUT_MS } from './installation.ts';
import type { PlantedFault } from './planted-faults.ts';
import { acknowledge, deliver, receive, sendMessage } from './triggers.ts';

const tier = findAws();

/** What is done to each call in turn. One try lost is for the SDK to repeat; after all of them the handler is on its own. */
const FAULTS: readonly { readonly name: string; readonly fault: PlantedFault; readonly tries: number }[] = [
  { name: 'loses its first reply', fault: 'cut off', tries: 1 },
  { name: 'loses every reply', fault: 'cut off', tries: MAX_ATTEMPTS },
  { name: 'is throttled throughout', fault: 'throttled', tries: MAX_ATTEMPTS },
  { name: 'times out throughout', fault: 'timed out', tries: MAX_ATTEMPTS },
];

const MINT = { method: 'POST', path: '/v1/lease/ci/release', body: '{"ttl":"2m"}' };
/** The lease's end, and a little; the login that it was minted with lives longer. */
const AFTER_TTL_MS = 121_000;
/** A step of time in which nothing that is being put off is put off further than a few times. */
const STEP_MS = 100_000;
/** Steps until everything must be revoked: the TTL, the quiet period and the longest pauses after failures. */
const MAX_STEPS = 25;
const MAX_MS = 120_000;

describe.skipIf(tier === undefined)('a lost reply, a throttle or a timeout at any call to AWS', () => {
  let aws: Aws;
  let watch: CallWatch;
  let installation: Installation;
  let errorOutput: string[];
  beforeAll(async () => {
    aws = (await tier?.start()) as Aws;
  }, START_TIMEOUT_MS);
  afterAll(() => aws?.close());
  beforeEach(async () => {
    errorOutput = [];
    // An audit event that could not be stored goes there.
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => errorOutput.push(String(chunk)) > 0);
    // The SDK's pauses between tries are a random part of their most.
    vi.spyOn(Math, 'random').mockReturnValue(0);
    installation = await aws.install();
    await prepare(installation);
    watch = watchCalls();
  });
  afterEach(() => {
    watch.stop();
    vi.restoreAllMocks();
    const written = [...errorOutput, ...installation.log].join('');
    expect(written).not.toContain(ACCOUNT.password);
    expect(written).not.toContain('dckr_');
  });

  /** What is called revoked opens nothing. */
  function expectRevokedMeansDead(leases: readonly (Lease | undefined)[]): void {
    const live = new Set(installation.liveTokens());
    for (const lease of leases) if (lease?.status === 'revoked') expect(live.has(lease.tokenId ?? '')).toBe(false);
  }

  /** Lets time pass with its sweeps and its queue, until no token is alive and every lease has ended on evidence. */
  async function settle(): Promise<void> {
    const deployment = installation.deploy();
    let leases: readonly Lease[] = [];
    for (let step = 0; step < MAX_STEPS; step++) {
      const { found, failures } = await deployment.sweeper();
      // Every token has its record, and none was called dead while it lived.
      expect(found).toMatchObject({ orphans: 0, reopened: 0, strays: 0 });
      await deliver(installation, deployment);
      leases = await installation.leases();
      expectRevokedMeansDead(leases);
      if (failures.length === 0 && leases.every((lease) => lease.status === 'revoked')) break;
      installation.clock.advance(STEP_MS);
    }
    expect(installation.liveTokens()).toEqual([]);
    for (const lease of leases) expect(lease).toMatchObject({ status: 'revoked', evidence: expect.anything() });
    const recorded = new Set(leases.map((lease) => lease.hubLabel));
    expect(installation.hub.control.tokens().filter((token) => !recorded.has(token.label))).toEqual([]);
  }

  async function expectGranted({ body }: Answer): Promise<void> {
    const { id, tokenId } = body.lease;
    expect(await installation.leaseRow(id)).toMatchObject({ status: 'active', tokenId });
    const job = await installation.schedule(id);
    expect(job?.ScheduleExpression).toBe(
      `at(${new Date(secondAfter(body.lease.expiresAt)).toISOString().slice(0, 19)})`,
    );
    expect(installation.liveTokens()).toContain(tokenId);
  }

  async function expectRefused(answer: Answer): Promise<void> {
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ type: expect.stringContaining('urn:hublease:problem:') });
    expect(answer.text).toContain('retry-after');
    expect(answer.text).not.toContain('dckr_');
  }

  describe('of a mint', () => {
    /** Mints after a cold start and without a shared session, so that every call there is is made. */
    async function mint(fault?: CallFault): Promise<{ answer: Answer; calls: readonly string[] }> {
      await installation.removeSession('bot');
      const deployment = installation.deploy();
      let answer: Answer | undefined;
      const calls = await watch.during(async () => {
        answer = await deployment.broker(MINT);
      }, fault);
      return { answer: answer as Answer, calls };
    }

    it.each(FAULTS)(
      'that $name leaves a lease that will end, or no token',
      async ({ fault, tries }) => {
        const { answer, calls } = await mint();
        await expectGranted(answer);
        expect(new Set(calls)).toEqual(
          new Set([
            'GetSecretValue',
            'GetItem',
            // Of the caller's rate. What cannot be counted passes.
            'UpdateItem',
            'PutItem',
            'UpdateItem',
            'GenerateDataKey',
            'CreateSchedule',
            'PutLogEvents',
            'CreateLogStream',
          ]),
        );
        const statuses = new Set<number>();
        for (let at = 0; at < calls.length; at++) {
          const { answer } = await mint({ at, fault, tries });
          statuses.add(answer.status);
          await (answer.status === 201 ? expectGranted(answer) : expectRefused(answer));
        }
        // The SDK's own repetition hides a single fault; what fails throughout is not always needed.
        expect(statuses).toEqual(new Set(tries === 1 ? [201] : [201, 503]));
        await settle();
      },
      MAX_MS,
    );
  });

  describe('of a revocation', () => {
    /** Leases minted without a fault, all with one login. */
    async function mintSome(count: number): Promise<string[]> {
      await installation.removeSession('bot');
      const { broker } = installation.deploy();
      const answers = [await broker(MINT)];
      answers.push(...(await Promise.all(Array.from({ length: count - 1 }, () => broker(MINT)))));
      expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 201));
      return answers.map((answer) => answer.body.lease.id);
    }

    /** One message through a revoker after a cold start; what it reports as failed stays on the queue. */
    async function revokeDue(leaseId: string, fault?: CallFault): Promise<readonly string[]> {
      await sendMessage(installation, JSON.stringify({ leaseId }));
      const event = await receive(installation);
      const deployment = installation.deploy();
      let failures: readonly { readonly itemIdentifier: string }[] = [];
      const calls = await watch.during(async () => {
        failures = (await deployment.revoker(event)).batchItemFailures;
      }, fault);
      const lease = await installation.lease(leaseId);
      expectRevokedMeansDead([lease]);
      // Done, or sure to be tried again: by the queue, or as a lease that is due.
      expect(lease?.status === 'revoked' || failures.length === 1 || lease?.dueAtMs !== undefined).toBe(true);
      await acknowledge(installation, event, []);
      return calls;
    }

    /** Runs one revocation without a fault, and then one more for each call that it made, with that call failing. */
    async function eachCall(
      { fault, tries }: { readonly fault: PlantedFault; readonly tries: number },
      expected: readonly string[],
      waitMs: number,
      revoke: (leaseId: string, fault?: CallFault) => Promise<readonly string[]>,
    ): Promise<void> {
      const [first] = await mintSome(1);
      installation.clock.advance(waitMs);
      const calls = await revoke(first as string);
      expect(new Set(calls)).toEqual(new Set(expected));
      const leaseIds = await mintSome(calls.length);
      installation.clock.advance(waitMs);
      for (const [at, leaseId] of leaseIds.entries()) await revoke(leaseId, { at, fault, tries });
      await settle();
    }

    it.each(FAULTS)(
      'on time that $name leaves no token alive',
      async (planned) => {
        const withLogin = async (leaseId: string, fault?: CallFault) => {
          await installation.removeSession('bot');
          return revokeDue(leaseId, fault);
        };
        const calls = ['GetSecretValue', 'GetItem', 'PutItem', 'GenerateDataKey', 'PutLogEvents', 'CreateLogStream'];
        await eachCall(planned, calls, AFTER_TTL_MS, withLogin);
      },
      MAX_MS,
    );

    it.each(FAULTS)(
      'that the caller asks for while Docker Hub is down and that $name leaves no token alive',
      async (planned) => {
        const asked = async (leaseId: string, fault?: CallFault) => {
          const deployment = installation.deploy();
          let answer: Answer | undefined;
          installation.hub.control.setFaults([{ route: 'pat-delete', kind: 'server-error' }]);
          const calls = await watch.during(async () => {
            answer = await deployment.broker({ method: 'DELETE', path: `/v1/leases/${leaseId}` });
          }, fault);
          installation.hub.control.setFaults([]);
          expect([202, 503]).toContain(answer?.status);
          const lease = await installation.lease(leaseId);
          // An accepted request is on record, and an unanswered one took nothing away from the end on time.
          expect(lease?.status).toBe(answer?.status === 202 ? 'revoking' : lease?.status);
          expect(lease?.dueAtMs).toBeDefined();
          return calls;
        };
        const reading = ['GetSecretValue', 'GetItem', 'Decrypt'];
        const calls = [...reading, 'PutItem', 'PutLogEvents', 'CreateLogStream', 'SendMessage'];
        await eachCall(planned, calls, 0, asked);
      },
      MAX_MS,
    );
  });
});

function secondAfter(at: string): number {
  return Math.ceil(Date.parse(at) / 1_000) * 1_000;
}
