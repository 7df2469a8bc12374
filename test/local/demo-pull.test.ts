import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import { type ImageName, type Login, pullImage } from '../../local/demo/pull.ts';
import { pullByRequests } from '../../local/demo/pull-by-requests.ts';
import { ACCOUNT, tempFolder, untilTestEnds } from './harness.ts';

const REPOSITORY = 'acme-bot/app';
const NO_SUCH_PROGRAM = 'hublease-test-no-such-program';

function hasSkopeo(): boolean {
  if (spawnSync('skopeo', ['--version'], { stdio: 'ignore' }).status === 0) return true;
  const reason = 'the demo pulls by skopeo, which is not installed';
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(reason);
  process.stderr.write(`skipped: ${reason}\n`);
  return false;
}

let hub: FakeHub;
let image: ImageName;
beforeEach(async () => {
  hub = untilTestEnds(await startFakeHub({ accounts: [ACCOUNT], images: [REPOSITORY] }));
  image = { registryOrigin: hub.url, repository: REPOSITORY, tag: 'latest' };
});

/** A login with a token of the account, which may pull while it lives. */
function loginWithToken({ control } = hub, isActive = true): Login {
  const { token } = control.createForeignToken({ account: ACCOUNT.username, kind: 'pat', label: 'x', isActive });
  return { username: ACCOUNT.username, password: token };
}

describe.each([
  ['skopeo', 'skopeo', 'skopeo'],
  ['requests of our own, where skopeo is not installed', NO_SUCH_PROGRAM, 'requests'],
] as const)('a pull by %s', (_, program, by) => {
  describe.runIf(program !== 'skopeo' || hasSkopeo())('of a private image', () => {
    it('gets its one layer with a live token, and leaves nothing behind', async () => {
      const { path } = untilTestEnds(tempFolder());
      vi.stubEnv('TMPDIR', path);
      onTestFinished(() => void vi.unstubAllEnvs());
      expect(await pullImage(image, loginWithToken(), program)).toEqual({ by, layerCount: 1 });
      expect(readdirSync(path)).toEqual([]);
    });

    it('is refused with a dead token, and with one of nobody', async () => {
      const dead = loginWithToken(hub, false);
      expect(await pullImage(image, dead, program)).toEqual({ by });
      expect(await pullImage(image, { ...dead, password: 'dckr_pat_of-nobody' }, program)).toEqual({ by });
    });
  });
});

describe('a pull by requests of our own', () => {
  it('is refused for a repository that the token does not reach', async () => {
    const others = untilTestEnds(
      await startFakeHub({ accounts: [ACCOUNT, { username: 'other', password: 'x' }], images: ['other/app'] }),
    );
    const there = { registryOrigin: others.url, repository: 'other/app', tag: 'latest' };
    expect(await pullByRequests(there, loginWithToken(others))).toBeUndefined();
  });

  it('is an error where the registry answers something else, or an image with other bytes', async () => {
    await expect(pullByRequests({ ...image, tag: 'none' }, loginWithToken())).rejects.toThrow(
      'the registry answered 404',
    );
    const liar = createServer(async (request, response) => {
      const answer = await fetch(`${hub.url}${request.url}`, {
        headers: { authorization: request.headers.authorization ?? '' },
      });
      const challenge = answer.headers.get('www-authenticate');
      response.writeHead(answer.status, challenge === null ? {} : { 'www-authenticate': challenge });
      const content = Buffer.from(await answer.arrayBuffer());
      response.end(request.url?.includes('/blobs/') ? Buffer.concat([content, Buffer.from(' ')]) : content);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void liar.close());
    await new Promise((resolve) => liar.once('listening', resolve));
    const registryOrigin = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    await expect(pullByRequests({ ...image, registryOrigin }, loginWithToken())).rejects.toThrow(
      /does not have the digest/,
    );
  });
});
