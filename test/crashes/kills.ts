import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { seededRandom } from '../../fake-hub/faults.ts';
import { lease, leased, openEdition, ours, setUp, untilTestEnds } from '../local/harness.ts';
import { expectKept, putForeignTokens, untilQuiet } from './kept.ts';
import { loadUntil, putUnderLoad } from './load.ts';
import { report } from './report.ts';

/** Of every moment and choice; what the machine makes of them is its own. */
const SEED = 20_261_121;
/** A process is killed when it has answered fewer leases than this, however slow the machine, */
const MAX_ANSWERS = 16;
/** and this much later at most, so that the kill strikes anywhere in the next ones. */
const MAX_PAUSE_MS = 60;
/** Slows what matters, so that kills meet it half done. */
const HUB_LATENCY_MS = 10;

/** Kills an edition under load at so many random moments, starts it again each time, and checks what must hold. */
export async function killUnderLoad(kills: number): Promise<void> {
  const random = seededRandom(SEED);
  const edition = untilTestEnds(await openEdition({ flags: ['--sweep-interval', '1s'] }));
  const { control } = edition.hub;
  await setUp(edition);
  const first = await lease(edition.ci, '1m');
  const label = ours(edition.hub).find(({ id }) => id === first.lease.tokenId)?.label ?? '';
  const foreign = putForeignTokens(edition, label);
  await edition.ci.call('revokeLease', { name: first.lease.id });
  control.setFaults([{ route: '*', kind: 'latency', latencyMs: HUB_LATENCY_MS }]);

  const load = putUnderLoad(edition, seededRandom(SEED + 1));
  for (let kill = 0; kill < kills; kill++) {
    const enough = load.answered.length + Math.floor(random() * MAX_ANSWERS);
    await loadUntil('enough leases are answered', () => load.answered.length >= enough);
    await wait(random() * MAX_PAUSE_MS);
    await edition.restart('SIGKILL');
  }
  await load.stop();
  await untilQuiet(edition);

  // The load was real, and kills struck in the middle of mints.
  expect(load.answered.length).toBeGreaterThan(2 * kills);
  expect(load.unanswered).toBeGreaterThan(kills);
  const answeredTokens = new Set(load.answered.map(({ tokenId }) => tokenId));
  const cutOff = leased(edition.hub).filter(({ id }) => id !== first.lease.tokenId && !answeredTokens.has(id)).length;
  expect(cutOff).toBeGreaterThan(0);
  await expectKept(edition, load, foreign);
  report({ kills, answered: load.answered.length, unanswered: load.unanswered, cutOff });
}
