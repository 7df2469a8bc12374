// Looks for tokens by the rules of .gitleaks.toml where gitleaks itself is not installed:
//   node scripts/find-secrets.ts --staged     what the next commit would add
//   node scripts/find-secrets.ts --all        every tracked file
//   node scripts/find-secrets.ts FILE…
// Names file, line and rule, never the token. Exit code 1 when it found one.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';

interface Config {
  readonly rules: readonly { readonly id: string; readonly regex: string }[];
  readonly allowlist: { readonly regexes: readonly string[]; readonly paths: readonly string[] };
}

const config = parse(readFileSync(new URL('../.gitleaks.toml', import.meta.url), 'utf8')) as unknown as Config;
const rules = config.rules.map(({ id, regex }) => ({ id, regex: new RegExp(regex, 'g') }));
const allowed = config.allowlist.regexes.map((regex) => new RegExp(`^(?:${regex})$`));
const ignored = config.allowlist.paths.map((path) => new RegExp(path));

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
}

function textsOf(args: readonly string[]): [file: string, text: string][] {
  if (args[0] === '--staged') {
    const files = git('diff', '--cached', '--name-only', '--diff-filter=ACMR', '-z').split('\0').filter(Boolean);
    return files.map((file) => [file, git('show', `:${file}`)]);
  }
  const files = args[0] === '--all' ? git('ls-files', '-z').split('\0').filter(Boolean) : args;
  return files.map((file) => [file, readFileSync(file, 'utf8')]);
}

let found = 0;
for (const [file, text] of textsOf(process.argv.slice(2))) {
  if (ignored.some((path) => path.test(file))) continue;
  for (const [index, line] of text.split('\n').entries()) {
    for (const { id, regex } of rules) {
      for (const [match] of line.matchAll(regex)) {
        if (allowed.some((each) => each.test(match))) continue;
        console.error(`${file}:${index + 1}: ${id}`);
        found += 1;
      }
    }
  }
}
if (found > 0) console.error(`${found} found. Take it out, and revoke it if it was ever real.`);
process.exitCode = found > 0 ? 1 : 0;
