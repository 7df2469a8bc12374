import { spawnSync } from 'node:child_process';

/** What the stage and the tests on it run, each with the arguments that only make it say that it is there. */
const PROGRAMS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['skopeo', '--version'],
  ['buildah', '--version'],
  ['docker', '--version'],
  ['docker-registry', '--version'],
  ['openssl', 'version'],
  ['ip', '-V'],
];

/** Namespaces of its own for whatever follows: mounts, network and processes. All of them end with the first process inside. */
export const UNSHARE = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;

/**
 * Says whether real clients can be run against a registry that believes to be Docker Hub's, and why not in one line.
 *
 * @throws Error where the tiers are mandatory (`HUBLEASE_REQUIRE_TIERS=1`, as in CI).
 */
export function canRunClients(): boolean {
  const reason = whatIsMissing();
  if (reason === undefined) return true;
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(reason);
  process.stderr.write(`skipped: ${reason}\n`);
  return false;
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'real clients run in network namespaces, which only Linux has';
  if (process.getuid?.() !== 0) return 'real clients run in a network namespace, which only root may make';
  const missing = PROGRAMS.filter(([name, ...args]) => !runs(name, args)).map(([name]) => name);
  if (missing.length > 0) return `real clients are not installed: ${missing.join(', ')}`;
  return runs('unshare', [...UNSHARE, 'true']) ? undefined : 'real clients need namespaces, and none may be made here';
}

function runs(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
