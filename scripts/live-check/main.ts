/**
 * Turns what Docker does not document into facts, on an account that nobody needs: `npm run live-check`. Asks Docker Hub by
 * hublease's own adapter, deletes every token that it made, and says for each answer what it changes in hublease. The variables
 * that it takes are in settings.ts. Exits with 0 (done), 1 (a token is or may be left), 2 (not started) or 3 (ended early,
 * nothing left).
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hubDispatcher } from '../../functions/adapters/docker-hub/http.ts';
import { newRunId } from './ledger.ts';
import { liveCheck } from './start.ts';

const stop = new AbortController();
const quit = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) {
      console.error('live-check: ends the cleanup; look for LEFT below');
      quit.abort();
      return;
    }
    console.error('live-check: asks no more, and deletes what it made; once more ends the cleanup, too');
    stop.abort();
  });
}

const dispatcher = hubDispatcher();
process.exitCode = await liveCheck({
  env: process.env,
  args: process.argv.slice(2),
  dispatcher,
  runId: newRunId(),
  nowMs: Date.now,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
  stop: stop.signal,
  quit: quit.signal,
  print: (text) => console.log(text),
  tell: (text) => console.error(text),
  writeFile(folder, name, text) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  },
});
await dispatcher.close();
