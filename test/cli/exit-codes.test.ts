import { afterAll, beforeAll, expect, test } from 'vitest';
import { CI_ARN } from '../local/harness.ts';
import { as, openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
});
afterAll(() => terminal.close());

const REQUEST = '[0-9a-f-]{36}';

test('0: it worked', async () => {
  expect(await terminal.type('can-i ci/release')).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
});

test('1: nothing answers, and the next step is named', async () => {
  const env = { HUBLEASE_ENDPOINT: 'http://127.0.0.1:1/v1' };
  expect(await terminal.type('lease ci/release', { env })).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'hublease: hublease could not be reached (ECONNREFUSED)\n' +
      '  Check HUBLEASE_ENDPOINT and the network, or run "hublease doctor".\n',
  });
});

test.each([
  ['an unknown command', 'laese ci/release', "error: unknown command 'laese'"],
  ['an unknown flag', 'lease ci/release --tll 5m', "error: unknown option '--tll'"],
  ['an unknown form', 'lease ci/release -o xml', "argument 'xml' is invalid. Allowed choices are table, json, env"],
  ['a word too many', 'show A B', 'error: too many arguments'],
  ['nothing to revoke', 'revoke', 'expected exactly one of ID'],
  ['two things to revoke', 'revoke --mine --prefix ci', 'expected exactly one of ID'],
  ['two lists', 'leases --all --mine', '--all and --mine cannot be combined'],
  ['a number that is none', 'leases --limit many', '--limit many: expected a number'],
  ['a status that is none', 'leases --status dead', 'status'],
  ['a duration that is none', 'lease ci/release --ttl soon', 'ttl'],
  ['a name that leads elsewhere', 'show ../admin/leases', '"../admin/leases" is not a valid name or lease id'],
  ['a field beside a form', 'lease ci/release --field lease.id -o json', '--field and -o cannot be combined'],
  ['no secret at all', 'lease', 'no secret given'],
  ['a shell of its own', 'completion tcsh', 'expected bash, zsh or fish'],
  ['a leaked token among the arguments', 'revoke --leaked dckr_pat_0123456789', '--leaked only takes "-"'],
])('2: %s', async (_, command, problem) => {
  const { code, stdout, stderr } = await terminal.type(command);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(problem);
  expect(terminal.edition.hub.control.tokens().filter(({ label }) => !label.includes(' Verification, '))).toEqual([]);
});

test('3: not configured', async () => {
  expect(await terminal.type('whoami', { env: { HUBLEASE_ENDPOINT: undefined } })).toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringMatching(/^hublease: not configured: no hublease endpoint\n {2}Set HUBLEASE_ENDPOINT/),
  });
});

test('3: an endpoint that anybody on the way could read', async () => {
  const env = { HUBLEASE_ENDPOINT: 'http://hublease.example/v1' };
  const { code, stderr } = await terminal.type('whoami', { env });
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: 'hublease: not configured: "http://hublease.example/v1" is not an https URL\n  Check HUBLEASE_ENDPOINT.\n',
  });
});

test('4: no AWS credentials', async () => {
  const { code, stderr } = await terminal.type('whoami', { env: { AWS_PROFILE: 'nobody' } });
  expect(code).toBe(4);
  expect(stderr).toMatch(
    /^hublease: no AWS credentials: .*\n {2}Set AWS_PROFILE, run "aws sso login", or give the job a role\.\n$/,
  );
});

test('5: denied, with what, who, why, what next and the request', async () => {
  const { code, stdout, stderr } = await terminal.type('lease ci/release', as('hublease-other'));
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  expect(stderr).toMatch(
    new RegExp(
      '^hublease: denied: arn:aws:iam::444455556666:role/other \\(AROA[A-Z0-9]{17}\\) may not lease from "ci/release"\\. The allow list of the secret does not contain this caller\\. ' +
        'Ask the owner of the secret to add the role\\. .*\\n' +
        `  "hublease whoami" lists .* Request ${REQUEST} \\(caller_not_allowed\\)\\n$`,
    ),
  );
});

test('5: "can-i" says no', async () => {
  expect(await terminal.type('can-i ci/nothing')).toEqual({
    code: 5,
    stdout: '',
    stderr: `hublease: no: "ci/nothing" does not list ${CI_ARN}, or does not exist\n  Ask its owner to add this role.\n`,
  });
});

test('6: not found', async () => {
  const { code, stderr } = await terminal.type('lease ci/nothing');
  expect(code).toBe(6);
  expect(stderr).toMatch(
    /^hublease: not found: There is no dynamic secret "ci\/nothing"\..*\n {2}.*\(secret_not_found\)\n$/,
  );
});

test('7: over quota, with who holds it and when to come again', async () => {
  expect(await terminal.type('lease ci/one --field lease.id')).toMatchObject({ code: 0 });
  const { code, stderr } = await terminal.type('lease ci/one');
  expect(code).toBe(7);
  expect(stderr).toMatch(
    new RegExp(
      `^hublease: not now: .*ci/one.*${CI_ARN}.* Try again in \\d+ s\\.\\n  Request .*\\(quota_reached\\)\\n$`,
    ),
  );
});

test('8: Docker Hub failed', async () => {
  terminal.edition.hub.control.setFaults([{ route: 'pat-create', kind: 'server-error', count: 1 }]);
  const { code, stderr } = await terminal.type('lease ci/release');
  terminal.edition.hub.control.setFaults([]);
  expect(code).toBe(8);
  expect(stderr).toMatch(/^hublease: Docker Hub failed: .*\n {2}Request .*\(hub_unavailable\)\n$/);
});

test('help goes to standard output and is no error', async () => {
  const { code, stdout, stderr } = await terminal.type('lease --help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Usage: hublease lease [options] [secret]');
});

test.each(['version', '--version'])('%s prints the version alone', async (command) => {
  expect(await terminal.type(command)).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: '',
  });
});
