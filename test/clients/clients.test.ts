import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeImage } from './image.ts';
import type { Ended, LeaseView } from './inside.ts';
import { canRunClients } from './needs.ts';
import { DOCKER_CONFIG, OWNER_LOGIN, openStage, type Stage } from './stage.ts';

/** The start of the stage makes an RSA key and starts two servers. */
const MAX_OPENING_MS = 60_000;
/** A test runs some ten commands, and most of them start Node and load the AWS SDK. */
const MAX_TEST_MS = 60_000;

/** What a client says of a token that is dead, and of one that does not reach so far. */
const DEAD = 'incorrect username or password';
const DENIED = 'requested access to the resource is denied';

/** Nothing listens there, and the helper says so. */
const BROKEN = { HUBLEASE_ENDPOINT: 'http://127.0.0.1:9' };
const CAUSE = 'hublease could not be reached';

interface Client {
  readonly name: string;
  /** What has to be done before a push. */
  readonly prepare: (tag: string) => string;
  readonly push: (tag: string) => string;
  readonly pull: (image: string) => string;
}

/** There is no engine here, so docker's part is what it does with manifests by itself, which takes the same rights. */
const DOCKER: Client = {
  name: 'docker',
  prepare: (tag) => `docker manifest create acme-bot/app:${tag} acme-bot/site:1`,
  push: (tag) => `docker manifest push acme-bot/app:${tag}`,
  pull: (image) => `docker manifest inspect ${image}`,
};
const SKOPEO: Client = {
  name: 'skopeo',
  prepare: () => 'true',
  push: (tag) => `skopeo copy dir:image docker://acme-bot/app:${tag}`,
  pull: (image) => `skopeo copy docker://${image} dir:$HOME/pulled`,
};
const BUILDAH: Client = {
  name: 'buildah',
  prepare: () => 'true',
  push: (tag) => `buildah push local-image docker://docker.io/acme-bot/app:${tag}`,
  pull: (image) => `buildah pull --policy always docker.io/${image}`,
};
const CLIENTS = [DOCKER, SKOPEO, BUILDAH];

describe.skipIf(!canRunClients())('real clients', { timeout: MAX_TEST_MS }, () => {
  let stage: Stage;

  /** The repositories `app`, which is private, and `site`, which everybody may pull, with one image each; and one kept by buildah. */
  beforeAll(async () => {
    stage = await openStage();
    writeImage(join(stage.folder, 'image'));
    const { run } = stage.user();
    succeeded(await run(`skopeo copy --dest-creds ${OWNER_LOGIN} dir:image docker://acme-bot/app:1`));
    succeeded(await run(`skopeo copy --dest-creds ${OWNER_LOGIN} dir:image docker://acme-bot/site:1`));
    succeeded(await run('buildah tag "$(buildah pull --quiet dir:image)" local-image'));
  }, MAX_OPENING_MS);
  afterAll(() => stage?.close());

  /** What leases were made while something was done, as they stand after it. */
  async function leasesMadeBy(work: () => Promise<void>): Promise<readonly LeaseView[]> {
    const before = new Set((await stage.leases()).map(({ id }) => id));
    await work();
    return (await stage.leases()).filter(({ id }) => !before.has(id));
  }

  async function statusOf(id: string | undefined): Promise<string | undefined> {
    return (await stage.leases()).find((lease) => lease.id === id)?.status;
  }

  describe('with the credential helper', () => {
    it.each(CLIENTS)('$name pulls with one lease to a command, however often it asks for a login', async ({ pull }) => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/pull' });
      const leases = await leasesMadeBy(async () => succeeded(await run(pull('acme-bot/app:1'))));
      expect(leases).toMatchObject([{ secret: 'ci/pull', status: 'active', label: 'docker-credential-hublease' }]);
    });

    it.each(CLIENTS)('$name pushes, and pulls what it pushed, with the same lease', async (client) => {
      const { name, prepare, push, pull } = client;
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/release' });
      const leases = await leasesMadeBy(async () => {
        succeeded(await run(prepare(`by-${name}`)));
        succeeded(await run(push(`by-${name}`)));
        succeeded(await run(pull(`acme-bot/app:by-${name}`)));
      });
      expect(leases).toMatchObject([{ secret: 'ci/release', status: 'active' }]);
    });

    it.each(CLIENTS)('$name is refused everything once the lease is revoked, even what is public', async (client) => {
      const { prepare, push, pull } = client;
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/release' });
      const [lease] = await leasesMadeBy(async () => {
        succeeded(await run(prepare('too-late')));
        succeeded(await run(pull('acme-bot/app:1')));
      });
      // By somebody else, who cannot take it out of what is kept here.
      succeeded(await run(`XDG_CACHE_HOME=/nowhere hublease revoke ${lease?.id}`));
      const leases = await leasesMadeBy(async () => {
        refused(await run(push('too-late')), DEAD);
        refused(await run(pull('acme-bot/app:1')), DEAD);
        refused(await run(pull('acme-bot/site:1')), DEAD);
      });
      expect(leases).toEqual([]);
    });

    it.each(CLIENTS)(
      '$name pulls with a lease that may only read, and cannot push',
      async ({ prepare, push, pull }) => {
        const { run } = stage.user({ HUBLEASE_SECRET: 'ci/pull' });
        succeeded(await run(pull('acme-bot/app:1')));
        succeeded(await run(prepare('by-a-reader')));
        refused(await run(push('by-a-reader')), DENIED);
        const tags = await run(`skopeo list-tags --creds ${OWNER_LOGIN} docker://acme-bot/app`);
        expect(JSON.parse(tags.stdout).Tags).not.toContain('by-a-reader');
      },
    );

    it('docker, skopeo and buildah at the same moment share one lease', async () => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/pull' });
      const leases = await leasesMadeBy(async () => {
        const pulls = await Promise.all(CLIENTS.map(({ pull }) => run(pull('acme-bot/app:1'))));
        pulls.forEach(succeeded);
      });
      expect(leases).toHaveLength(1);
    });

    it('skopeo pulls byte for byte what it pushed', async () => {
      const { run, home } = stage.user({ HUBLEASE_SECRET: 'ci/release' });
      succeeded(await run(SKOPEO.push('whole')));
      succeeded(await run(SKOPEO.pull('acme-bot/app:whole')));
      const manifest = (folder: string) => readFileSync(join(folder, 'manifest.json'));
      expect(manifest(join(home, 'pulled'))).toEqual(manifest(join(stage.folder, 'image')));
    });
  });

  describe('login and logout', () => {
    it('docker logout takes no lease where there is none', async () => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/release' });
      expect(await leasesMadeBy(async () => succeeded(await run('docker logout')))).toEqual([]);
    });

    it('docker logout revokes the lease at hand and takes none; the next command takes a new one', async () => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/release' });
      const pull = () => leasesMadeBy(async () => succeeded(await run(DOCKER.pull('acme-bot/app:1'))));
      const [lease] = await pull();
      expect(await leasesMadeBy(async () => succeeded(await run('docker logout')))).toEqual([]);
      expect(await statusOf(lease?.id)).toBe('revoked');
      expect(await pull()).toHaveLength(1);
    });

    it('docker login with a leased token succeeds, and nothing of it is stored', async () => {
      const { run, home } = stage.user();
      const leased = 'hublease lease ci/release --field credential.password';
      const login = await run(`${leased} | docker login --username acme-bot --password-stdin`);
      succeeded(login);
      expect(login.stdout).toContain('Login Succeeded');
      expect(readFileSync(join(home, DOCKER_CONFIG), 'utf8')).not.toMatch(/"(?:auth|password|identitytoken)"/);
    });
  });

  describe('with a helper that fails', () => {
    it('docker goes on without a login and without a word of its own: what is public stays, what is private is refused', async () => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/release', ...BROKEN });
      const open = await run(DOCKER.pull('acme-bot/site:1'));
      succeeded(open);
      expect(open.stderr).toContain(`docker-credential-hublease: ${CAUSE}`);
      const closed = await run(DOCKER.pull('acme-bot/app:1'));
      refused(closed, DENIED);
      expect(closed.stderr).toContain(`docker-credential-hublease: ${CAUSE}`);
    });

    it.each([SKOPEO, BUILDAH])('$name stops, even before what is public, and says why', async ({ pull }) => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/release', ...BROKEN });
      refused(await run(pull('acme-bot/site:1')), `hublease: ${CAUSE}`);
      refused(await run(pull('acme-bot/app:1')), `hublease: ${CAUSE}`);
    });

    it('skopeo pulls what is public when it is told to use no login', async () => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/release', ...BROKEN });
      succeeded(await run('skopeo copy --src-no-creds docker://acme-bot/site:1 dir:$HOME/pulled'));
    });
  });

  describe('in hublease exec', () => {
    it.each(CLIENTS)('$name pushes and pulls, and its token is dead afterwards', async (client) => {
      const { name, prepare, push, pull } = client;
      const { run, home } = stage.user();
      const config = readFileSync(join(home, DOCKER_CONFIG));
      const leases = await leasesMadeBy(async () => {
        const steps = [
          prepare(`in-${name}`),
          push(`in-${name}`),
          pull('acme-bot/app:1'),
          'cp "$REGISTRY_AUTH_FILE" kept.json',
        ];
        succeeded(await run(inExec('ci/release', steps)));
      });
      expect(leases).toMatchObject([{ secret: 'ci/release', status: 'revoked', evidence: { kind: 'deleted' } }]);
      const { auths } = JSON.parse(readFileSync(join(stage.folder, 'kept.json'), 'utf8'));
      const login = Buffer.from(auths['docker.io'].auth, 'base64').toString();
      expect(login).toMatch(/^acme-bot:dckr_pat_/);
      refused(await run(`skopeo copy --src-creds ${login} docker://acme-bot/app:1 dir:$HOME/late`), DEAD);
      refused(await run(`skopeo copy --dest-creds ${login} dir:image docker://acme-bot/app:late`), DEAD);
      expect(readFileSync(join(home, DOCKER_CONFIG))).toEqual(config);
    });

    it('a refused push is the exit code, and the lease is revoked all the same', async () => {
      const { run } = stage.user();
      const leases = await leasesMadeBy(async () => {
        refused(await run(`hublease exec ci/pull -- ${SKOPEO.push('by-a-reader')}`), DENIED);
      });
      expect(leases).toMatchObject([{ secret: 'ci/pull', status: 'revoked' }]);
    });

    it('two jobs side by side have a token each: logout and end of one do not disturb the other', async () => {
      const { run } = stage.user();
      // Who opens one of these waits for the other side.
      succeeded(await run('mkfifo second-has-pushed first-has-ended'));
      const leases = await leasesMadeBy(async () => {
        const second = run(
          inExec('ci/release', [
            SKOPEO.push('second'),
            'echo yes >second-has-pushed',
            'cat first-has-ended',
            SKOPEO.push('second-again'),
            DOCKER.pull('acme-bot/app:second'),
          ]),
        );
        const first = run(inExec('ci/release', ['cat second-has-pushed', SKOPEO.push('first'), 'docker logout']));
        succeeded(await first);
        succeeded(await run('echo yes >first-has-ended'));
        succeeded(await second);
      });
      expect(leases.map(({ status }) => status)).toEqual(['revoked', 'revoked']);
    });
  });

  describe('set up by hublease', () => {
    /** Nobody's formatter writes like this. */
    const THEIRS = '{ "auths" : {"registry.example":{"auth":"bWU6bWU="}},\n\n\t"ours": [1,2 ,3] }\n';

    it.each([
      { name: 'docker', file: DOCKER_CONFIG, clients: [DOCKER] },
      { name: 'podman', file: '.config/containers/auth.json', clients: [SKOPEO, BUILDAH] },
    ])('$name asks the helper until the undo, which leaves the file as it was, byte for byte', async (setup) => {
      const { run, home } = stage.user();
      const file = join(home, setup.file);
      rmSync(join(home, DOCKER_CONFIG));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, THEIRS);
      succeeded(await run(`hublease setup ${setup.name} --secret ci/pull`));
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(JSON.parse(THEIRS));
      for (const { pull } of setup.clients) succeeded(await run(pull('acme-bot/app:1')));
      succeeded(await run(`hublease setup ${setup.name} --undo`));
      expect(readFileSync(file, 'utf8')).toBe(THEIRS);
      for (const { pull } of setup.clients) refused(await run(pull('acme-bot/app:1')), DENIED);
    });

    it('the doctor proves a pull from the real registry, and revokes what it took for that', async () => {
      const { run } = stage.user({ HUBLEASE_SECRET: 'ci/pull' });
      const leases = await leasesMadeBy(async () => {
        const doctor = await run('hublease doctor --pull acme-bot/app:1');
        succeeded(doctor);
        expect(doctor.stdout).toContain('acme-bot/app:1 can be pulled');
      });
      expect(leases).toMatchObject([{ status: 'revoked' }]);
    });
  });
});

function inExec(secret: string, steps: readonly string[]): string {
  return `hublease exec ${secret} -- sh -ec '${steps.join('\n')}'`;
}

function succeeded({ code, stdout, stderr }: Ended): void {
  expect(code, `${stdout}${stderr}`).toBe(0);
}

function refused({ code, stdout, stderr }: Ended, why: string): void {
  expect(code, stdout).not.toBe(0);
  expect(stderr).toContain(why);
}
