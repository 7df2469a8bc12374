// The whole story on random ports and in a temporary folder: `npm run demo`. Every step is checked, and the first that does
// not hold ends it with exit code 1.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, hubleaseClient } from '../../client/client.ts';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import type { AnswerOf } from '../../functions/wire/operations.ts';
import { openProfiles } from '../front-door/profiles.ts';
import { type ImageName, type Login, type Pull, pullImage } from './pull.ts';
import { type Spawned, spawnEmbedded } from './spawn-embedded.ts';
import { check, StepFailed, until } from './steps.ts';

const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-bundled-fake' };
/** A private repository of the account, in the fake's registry. */
const REPOSITORY = `${ACCOUNT.username}/app`;
/** Deleted on Docker Hub this long after expiry at the latest. */
const ON_TIME_MS = 2_000;

type LeaseView = AnswerOf<'getLease'>['body']['lease'];

async function clients(edition: Spawned): Promise<{ admin: Client; ci: Client }> {
  const profiles = await openProfiles(edition.data);
  const clientOf = (name: string): Client => {
    const credentials = profiles.find((profile) => profile.name === name);
    if (credentials === undefined) throw new StepFailed(`profile ${name} exists`);
    return hubleaseClient({ endpoint: edition.endpoint, credentials });
  };
  return { admin: clientOf('hublease-admin'), ci: clientOf('hublease-ci') };
}

/** What `docker pull` does first: exchanges user name and token for a registry bearer. */
async function mayPull(hub: FakeHub, username: string, token: string): Promise<boolean> {
  const url = `${hub.url}/token?service=registry.docker.io&scope=repository:${REPOSITORY}:pull`;
  const basic = Buffer.from(`${username}:${token}`).toString('base64');
  const response = await fetch(url, { headers: { authorization: `Basic ${basic}` } });
  await response.arrayBuffer();
  return response.status === 200;
}

async function happyLife(hub: FakeHub, edition: Spawned): Promise<void> {
  const { admin, ci } = await clients(edition);
  console.log('\n1. A platform engineer sets up a target and a dynamic secret');
  const target = await admin.call('putTarget', { name: 'acme-bot', body: { kind: 'user', credential: ACCOUNT } });
  check(target.status === 201, 'the target was created, its password proven by a login');
  check(!JSON.stringify(target.body).includes(ACCOUNT.password), 'and the password does not come out again');
  const secret = await admin.call('putSecret', {
    name: 'ci/release',
    body: {
      target: 'acme-bot',
      scope: 'repo:write',
      defaultTtl: '5s',
      maxTtl: '1m',
      allow: ['arn:aws:iam::111122223333:role/ci'],
    },
  });
  check(secret.status === 201, 'the dynamic secret ci/release was created');

  console.log('\n2. A CI job leases a token for three seconds and uses it');
  const minted = await ci.call('mintLease', { name: 'ci/release', body: { ttl: '3s', reason: 'demo' } });
  const { lease, credential } = minted.body;
  const { username } = credential;
  const password = 'password' in credential ? credential.password : '';
  check(minted.status === 201 && lease.status === 'active', `lease ${lease.id} is active until ${lease.expiresAt}`);
  const onHub = hub.control.tokens().find((token) => token.id === lease.tokenId);
  check(onHub?.expiresAtMs !== null, 'Docker Hub was told an expiry of its own');
  check(await mayPull(hub, username, password), 'the token opens the registry');

  console.log('\n3. Its time is up');
  const expiresAtMs = Date.parse(lease.expiresAt);
  const deleted = () => hub.control.deletions().find((deletion) => deletion.id === lease.tokenId);
  await until('the token was deleted on Docker Hub', () => deleted() !== undefined, 10_000);
  const lateMs = (deleted()?.atMs ?? 0) - expiresAtMs;
  check(lateMs >= 0 && lateMs <= ON_TIME_MS, `not before its expiry, and ${lateMs} ms after it`);
  check(
    !(await mayPull(hub, username, password)),
    'the same token is refused now (the fake’s own expiry is switched off)',
  );
  await until(
    'the lease is revoked, with evidence',
    async () => (await ci.call('getLease', { name: lease.id })).body.lease.evidence?.kind === 'deleted',
    5_000,
  );
}

async function crash(hub: FakeHub, edition: Spawned, flags: readonly string[]): Promise<Spawned> {
  console.log('\n4. hublease is killed between Docker Hub’s create and its own record of it');
  const { ci } = await clients(edition);
  hub.control.setFaults([{ route: 'pat-create', kind: 'hold', count: 1 }]);
  const lost = ci.call('mintLease', { name: 'ci/release', body: { ttl: '5s' } }).then(
    () => false,
    () => true,
  );
  const alive = () => hub.control.tokens().filter((token) => token.live && !token.foreign);
  await until('Docker Hub has made a token that nobody was told of', () => alive().length === 1, 5_000);
  await edition.end('SIGKILL');
  check(await lost, 'the caller got no answer, and so no token');
  hub.control.setFaults([]);
  check(alive().length === 1, 'the token lives on');

  console.log('\n5. It starts again');
  const restarted = await spawnEmbedded(flags);
  const again = (await clients(restarted)).ci;
  const [orphan] = (await again.call('listLeases', { query: { limit: '1' } })).body.items as LeaseView[];
  check(orphan !== undefined && orphan.tokenId === undefined, `lease ${orphan?.id} was on record, without a token id`);
  await until('the token was found by its label and deleted: none is left', () => alive().length === 0, 20_000);
  await until(
    'the lease still reads revoking: "revoked" needs evidence, and a create may land late until the quiet period ends',
    async () => {
      const { status, evidence } = (await again.call('getLease', { name: orphan?.id as string })).body.lease;
      return status === 'revoking' && evidence === undefined;
    },
    5_000,
  );
  return restarted;
}

async function realPull(hub: FakeHub, edition: Spawned): Promise<void> {
  console.log('\n7. A CI job pulls a private image');
  const { ci } = await clients(edition);
  const image: ImageName = { registryOrigin: hub.url, repository: REPOSITORY, tag: 'latest' };
  const { lease, credential } = (await ci.call('mintLease', { name: 'ci/release', body: { ttl: '1m' } })).body;
  const login: Login = { username: credential.username, password: 'password' in credential ? credential.password : '' };
  const wrong = await pullImage(image, { ...login, password: 'dckr_pat_of-nobody' });
  check(wrong.layerCount === undefined, `with a token of nobody the registry gives nothing away ${how(wrong)}`);
  const pulled = await pullImage(image, login);
  check(pulled.layerCount === 1, `with the leased token ${REPOSITORY} is pulled, every digest checked ${how(pulled)}`);
  const ended = await ci.call('revokeLease', { name: lease.id });
  check(ended.body.lease.status === 'revoked', 'the job has ended, and its lease is revoked');
  const late = await pullImage(image, login);
  check(late.layerCount === undefined, `the same pull is refused now ${how(late)}`);
}

function how({ by }: Pull): string {
  return by === 'skopeo' ? '(by skopeo)' : '(by the requests that skopeo makes: it is not installed here)';
}

async function story(folder: string, cleanUp: (() => Promise<void>)[]): Promise<void> {
  const hub = await startFakeHub({ accounts: [ACCOUNT], expireTokens: false, images: [REPOSITORY] });
  cleanUp.push(() => hub.close());
  const laptop = hub.control.createForeignToken({ account: ACCOUNT.username, kind: 'pat', label: 'my laptop' });
  const flags = ['--port', '0', '--data', join(folder, 'data'), '--hub', hub.url];
  let edition = await spawnEmbedded(flags);
  cleanUp.push(() => edition.end('SIGTERM'));
  await happyLife(hub, edition);
  edition = await crash(hub, edition, flags);

  console.log('\n6. And what was never ours');
  const untouched = hub.control.tokens().find((token) => token.id === laptop.id);
  check(untouched?.live === true && hub.control.patches().length === 0, 'somebody’s own token was not touched');
  check(!edition.log().includes(ACCOUNT.password), 'the log holds no password');

  await realPull(hub, edition);
}

const folder = await mkdtemp(join(tmpdir(), 'hublease-demo-'));
const cleanUp: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
try {
  await story(folder, cleanUp);
  console.log('\nEvery step held.');
} catch (error) {
  console.error(`\nFAILED: ${error instanceof StepFailed ? error.message : (error as Error).name}`);
  process.exitCode = 1;
} finally {
  for (const step of cleanUp.reverse()) await step();
}
