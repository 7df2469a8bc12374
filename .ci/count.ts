// Counts what a test run really did: `node .ci/count.ts REPORT STATUS`, REPORT being vitest's JSON, STATUS its exit code.
// A test file on disk that has no passed test in the report did not run, and counts as failed.
import { globSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const [reportFile = '', status = '1'] = process.argv.slice(2);
const { testResults } = JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
const results = testResults.flatMap((file) => file.assertionResults);
const passed = results.filter((result) => result.status === 'passed').length;
const skipped = results.filter((result) => result.status !== 'passed' && result.status !== 'failed');
const ran = new Set(
  testResults
    .filter((file) => file.assertionResults.some((result) => result.status === 'passed'))
    .map((file) => relative(process.cwd(), file.name)),
);
const notRun = globSync('test/**/*.test.ts').filter((file) => !ran.has(file));
const failed = results.filter((result) => result.status === 'failed').length + notRun.length;

for (const file of notRun) console.log(`did not run: ${file}`);
for (const result of skipped) console.log(`skipped: ${result.fullName}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || status !== '0' || passed === 0 ? 1 : 0;
