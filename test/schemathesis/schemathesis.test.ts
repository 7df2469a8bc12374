import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openapi } from '../../functions/wire/openapi.ts';
import { type Spawned, spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { openProfiles } from '../../local/profiles.ts';
import { START_LIMIT_MS, tempFolder } from '../local/harness.ts';
import { findPython } from '../python.ts';

/**
 * A fuzzer that knows nothing of hublease but its OpenAPI document, against the embedded edition. It makes the same requests each
 * time: those of the document's examples, of every boundary of every schema, random ones, and chains of requests by their links.
 */

const python = findPython('the fuzzer of the API', ['schemathesis', 'botocore']);
/** For each operation and phase. Takes about two minutes on a free machine of two cores. */
const MAX_EXAMPLES = 300;
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];
/** Far beyond any machine's slowness. */
const LIMIT_MS = 1_200_000;

type Document = { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> };

describe.skipIf(python === undefined)('schemathesis', () => {
  const folder = tempFolder();
  let edition: Spawned;

  beforeAll(async () => {
    edition = await spawnEmbedded(['--port', '0', '--data', join(folder.path, 'data'), '--caller-rate', 'off']);
  }, START_LIMIT_MS);
  afterAll(async () => {
    await edition?.end('SIGTERM');
    folder.close();
  });

  /** What it printed, and its exit code. */
  async function fuzz(document: Document, phases: string, maxExamples: number) {
    const file = join(folder.path, 'openapi.json');
    writeFileSync(file, JSON.stringify(document));
    const profiles = await openProfiles(edition.data);
    const keysOf = (name: string) => profiles.find((profile) => profile.name === name);
    const [admin, caller] = [keysOf('hublease-admin'), keysOf('hublease-ci')];
    const args = ['run', file, '--url', edition.endpoint, '--checks', CHECKS.join(), '--phases', phases];
    args.push('--max-examples', String(maxExamples), '--generation-deterministic');
    args.push('--continue-on-failure', '--no-color');
    return new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(
        python ?? '',
        ['-m', 'schemathesis.cli', ...args],
        {
          cwd: folder.path,
          maxBuffer: 100_000_000,
          env: {
            PATH: process.env.PATH,
            PYTHONPATH: import.meta.dirname,
            PYTHONDONTWRITEBYTECODE: '1',
            SCHEMATHESIS_HOOKS: 'signing',
            ADMIN_KEY_ID: admin?.accessKeyId,
            ADMIN_SECRET_KEY: admin?.secretAccessKey,
            CALLER_KEY_ID: caller?.accessKeyId,
            CALLER_SECRET_KEY: caller?.secretAccessKey,
          },
        },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
      );
    });
  }

  it(
    'finds no 5xx but those that are documented, no undocumented status, and nothing beside the schemas',
    async () => {
      const { code, output } = await fuzz(openapi() as Document, 'examples,coverage,fuzzing,stateful', MAX_EXAMPLES);
      expect(code, output).toBe(0);
      expect(output).toContain('Selected: 20/20');
      expect(output).toContain('Tested: 20');
      expect(edition.log()).toBe('');
    },
    LIMIT_MS,
  );

  it(
    'would find a status that the document does not have',
    async () => {
      const spoiled = structuredClone(openapi()) as Document;
      delete spoiled.paths['/leases']?.get?.responses['200'];
      const { code, output } = await fuzz(spoiled, 'coverage', 10);
      expect(code).toBe(1);
      expect(output).toContain('ST103 Undocumented status code');
    },
    LIMIT_MS,
  );
});
