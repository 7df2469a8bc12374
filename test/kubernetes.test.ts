import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseDuration } from '../functions/core/model/duration.ts';
import {
  CI_ARN,
  type Edition,
  listAll,
  mayPull,
  openEdition,
  setUp,
  tempFolder,
  untilTestEnds,
} from './local/harness.ts';
import { blocksOf, openSnippetShell, type SnippetShell } from './snippet-shell.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: manifests are read as they stand.
type Manifest = any;

const MANIFESTS: Manifest[] = parseAllDocuments(read('examples/kubernetes/refresh-pull-secret.yaml')).map(
  (document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  },
);
const PROVIDERS: Manifest = parse(read('examples/kubernetes/credential-provider.yaml'));
const PAGE = read('docs/kubernetes.md');

function one(kind: string): Manifest {
  const found = MANIFESTS.filter((manifest) => manifest.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0];
}

const cronJob = one('CronJob').spec;
const pod = cronJob.jobTemplate.spec.template.spec;
const [lease] = pod.initContainers;
const [patch] = pod.containers;
const variable = (env: { name: string; value: string }[], name: string) =>
  env.find((each) => each.name === name)?.value;

describe('the manifest that refreshes an image pull secret', () => {
  it.each([
    ['ServiceAccount', 'v1'],
    ['Role', 'rbac.authorization.k8s.io/v1'],
    ['RoleBinding', 'rbac.authorization.k8s.io/v1'],
    ['CronJob', 'batch/v1'],
  ])('has a %s of %s, in the one namespace', (kind, apiVersion) => {
    expect(one(kind)).toMatchObject({ apiVersion, metadata: { name: 'hublease-refresh', namespace: 'default' } });
    expect(MANIFESTS).toHaveLength(4);
  });

  it('may get and patch the one secret that it patches, and nothing else', () => {
    const name = patch.args[patch.args.indexOf('secret') + 1];
    expect(one('Role').rules).toEqual([
      { apiGroups: [''], resources: ['secrets'], resourceNames: [name], verbs: ['get', 'patch'] },
    ]);
    expect(PAGE).toContain(`kubectl create secret generic ${name} `);
  });

  it('gives that to the service account that it runs as, which has a role in AWS', () => {
    const account = { kind: 'ServiceAccount', name: pod.serviceAccountName, namespace: 'default' };
    expect(one('RoleBinding')).toMatchObject({
      roleRef: { kind: 'Role', name: one('Role').metadata.name },
      subjects: [account],
    });
    expect(one('ServiceAccount').metadata).toMatchObject({
      name: pod.serviceAccountName,
      annotations: { 'eks.amazonaws.com/role-arn': expect.stringMatching(/^arn:aws:iam::\d{12}:role\/[\w-]+$/) },
    });
  });

  it('runs so often that two runs in a row may fail', () => {
    const [, minutes] = /^\*\/(\d+) \* \* \* \*$/.exec(cronJob.schedule) ?? [];
    const intervalSeconds = Number(minutes) * 60;
    const ttlSeconds = parseDuration(variable(lease.env, 'HUBLEASE_TTL') as string, 'HUBLEASE_TTL');
    expect(60 % Number(minutes), 'an even interval').toBe(0);
    expect(intervalSeconds * 3).toBeLessThanOrEqual(ttlSeconds);
  });

  it('ends runs that hang before the next one, and never has two at once', () => {
    expect(cronJob.concurrencyPolicy).toBe('Forbid');
    expect(cronJob.jobTemplate.spec.activeDeadlineSeconds).toBeLessThan(20 * 60);
    expect(pod.restartPolicy).toBe('Never');
  });

  it('has no privileges', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
    for (const name of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'])
      expect(pod).not.toHaveProperty(name);
    for (const { securityContext } of [...pod.initContainers, ...pod.containers]) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    expect(pod.volumes.filter((volume: object) => 'hostPath' in volume)).toEqual([]);
  });

  it('gives the token of the Kubernetes API to the container that patches, and keeps the lease in memory', () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(one('ServiceAccount').automountServiceAccountToken).toBe(false);
    const mounts = (container: Manifest) => container.volumeMounts.map(({ name }: { name: string }) => name);
    expect(mounts(lease)).toEqual(['lease']);
    expect(mounts(patch)).toEqual(['lease', 'api']);
    const volumes = Object.fromEntries(pod.volumes.map((volume: Manifest) => [volume.name, volume]));
    expect(Object.keys(volumes)).toEqual(['lease', 'api']);
    expect(volumes.lease.emptyDir).toMatchObject({ medium: 'Memory' });
  });

  it('has images that are pinned, bounded, and not on the registry that it is for', () => {
    for (const { image, resources } of [lease, patch]) {
      expect(image).toMatch(/^[\w.-]+\.[a-z]+\/.+:v?\d+\.\d+\.\d+$/);
      expect(image).not.toMatch(/^(?:\w+\.)*docker\.io\//);
      expect(resources).toMatchObject({ requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } });
    }
  });
});

describe('the configuration of the kubelet', () => {
  it('has what the kubelet asks of a provider', () => {
    expect(PROVIDERS).toMatchObject({ apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig' });
    expect(PROVIDERS.providers).toHaveLength(1);
    expect(PROVIDERS.providers[0]).toMatchObject({
      name: expect.stringMatching(/^[\w-]+$/),
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      matchImages: ['docker.io'],
      defaultCacheDuration: '0s',
    });
    expect(PAGE).toContain(`\`${PROVIDERS.providers[0].name}\``);
  });

  it('sets where to lease, and a cache of its own', () => {
    const { env } = PROVIDERS.providers[0];
    expect(env.map(({ name }: { name: string }) => name)).toEqual([
      'HUBLEASE_ENDPOINT',
      'HUBLEASE_SECRET',
      'HUBLEASE_TTL',
      'XDG_CACHE_HOME',
    ]);
    expect(PAGE).toContain(variable(env, 'XDG_CACHE_HOME'));
  });
});

describe('the scripts for Kubernetes', () => {
  let edition: Edition;
  let shell: SnippetShell;

  beforeAll(async () => {
    edition = await openEdition();
    await setUp(edition);
    const pull = { target: 'acme-bot', scope: 'repo:read', defaultTtl: '15m', maxTtl: '1h', allow: [CI_ARN] };
    await edition.admin.call('putSecret', { name: 'ci/pull', body: pull });
  });
  afterAll(() => edition?.close());
  beforeEach(() => {
    shell = openSnippetShell(edition, untilTestEnds(tempFolder()).path);
  });

  /** The container's script, which finds its folder in this one's place. */
  function runLease(env: Readonly<Record<string, string>> = {}) {
    const folder = join(shell.home, 'lease');
    mkdirSync(folder);
    const own = Object.fromEntries(lease.env.map((each: { name: string; value: string }) => [each.name, each.value]));
    expect(lease.command).toEqual(['sh', '-euc']);
    const script = lease.args[0].replaceAll('/lease/', `${folder}/`);
    return { folder, ended: shell.run(script, { ...own, ...env }, '--posix -eu') };
  }

  async function opens(dockerconfigjson: string): Promise<boolean> {
    const { username, password } = JSON.parse(dockerconfigjson).auths['https://index.docker.io/v1/'];
    return mayPull(edition.hub, username, password);
  }

  it('make a patch that puts a token of the wanted TTL into the secret', async () => {
    const { folder, ended } = runLease();
    expect(await ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const { data, ...rest } = JSON.parse(readFileSync(join(folder, 'patch.json'), 'utf8'));
    expect(rest).toEqual({});
    expect(await opens(Buffer.from(data['.dockerconfigjson'], 'base64').toString())).toBe(true);
    expect(patch.args).toContain('--patch-file=/lease/patch.json');
    const [newest] = await listAll(edition.ci);
    expect(newest).toMatchObject({ secret: 'ci/pull', ttlSeconds: 3_600, label: 'kubernetes' });
  });

  it('end in a failure that is seen, and patch nothing, when no token can be had', async () => {
    const { folder, ended } = runLease({ HUBLEASE_SECRET: 'ci/none' });
    const { code, stderr } = await ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain('not found: ');
    expect(() => readFileSync(join(folder, 'patch.json'))).toThrow(/ENOENT/);
  });

  it('make the first secret, and let the service account name it', async () => {
    const kubectl = `#!/bin/sh\nprintf '%s\\n' "$*" >> "$HOME/kubectl-calls"\n[ "$1" = create ] && cat > "$HOME/stdin" || true\n`;
    writeFileSync(join(shell.home, '../bin/kubectl'), kubectl, { mode: 0o755 });
    for (const [, script] of blocksOf(PAGE, 'bash run'))
      expect(await shell.run(script)).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(shell.home, 'kubectl-calls'), 'utf8').split('\n')).toEqual([
      'create secret generic hublease-pull --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=/dev/stdin',
      'patch serviceaccount default --type=merge --patch={"imagePullSecrets":[{"name":"hublease-pull"}]}',
      '',
    ]);
    expect(await opens(readFileSync(join(shell.home, 'stdin'), 'utf8'))).toBe(true);
    expect(blocksOf(PAGE, 'bash')).toEqual([]);
  });
});
