import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The Python for tests that need packages: `HUBLEASE_TEST_PYTHON`, else the repository's `.venv`. Undefined when neither has the
 * packages, after one line that says which tests are skipped and how to get it.
 *
 * @param tests what is skipped without it.
 * @param modules by their import names.
 * @throws Error instead when `HUBLEASE_REQUIRE_TIERS` is 1, as in CI.
 */
export function findPython(tests: string, modules: readonly string[]): string | undefined {
  const local = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
  const found = [process.env.HUBLEASE_TEST_PYTHON, existsSync(local) ? local : undefined].find(
    (python) => python !== undefined && python !== '' && has(python, modules),
  );
  if (found !== undefined) return found;
  const hint = `no Python with ${modules.join(', ')}: python3 -m venv .venv && .venv/bin/pip install --require-hashes -r test/aws/requirements.txt, or name one in HUBLEASE_TEST_PYTHON`;
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(hint);
  console.warn(`skipping ${tests}: ${hint}`);
  return undefined;
}

function has(python: string, modules: readonly string[]): boolean {
  const probe = `import importlib.util as u, sys; sys.exit(0 if all(map(u.find_spec, ${JSON.stringify(modules)})) else 1)`;
  return spawnSync(python, ['-c', probe], { stdio: 'ignore' }).status === 0;
}
