import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openapi } from '../../functions/wire/openapi.ts';
import { type Edition, openEdition, START_LIMIT_MS, setUp, tempFolder } from '../local/harness.ts';
import { findPython } from '../python.ts';

/**
 * A fuzzer that knows nothing of hublease but its OpenAPI document, against the embedded edition. It makes the same requests each
 * time: those of the document's examples, of every boundary of every schema, random ones, and chains of requests by their links.
 */

const python = findPython('the fuzzer of the API', ['schemathesis', 'botocore']);
/** For each operation and phase. Takes about two minutes on a free machine of two cores. */
const MAX_EXAMPLES = 250;
const CHECKS = [
  'no_server_error',
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
  let edition: Edition;

  beforeAll(async () => {
    // Nothing happens that a designed 503 would answer: its Docker Hub locks nobody out, and no sweep holds a target.
    edition = await openEdition({ flags: ['--sweep-interval', '1h'], hub: { loginFailureLimit: 1_000_000 } });
    await setUp(edition);
  }, START_LIMIT_MS);
  afterAll(async () => {
    await edition?.close();
    folder.close();
  });

  /** What it printed, and its exit code. */
  async function fuzz(document: Document, phases: string, maxExamples: number) {
    const file = join(folder.path, 'openapi.json');
    writeFileSync(file, JSON.stringify(document));
    const { 'hublease-admin': admin, 'hublease-ci': caller } = edition.profiles;
    const args = ['run', file, '--url', edition.endpoint, '--checks', CHECKS.join(), '--phases', phases];
    args.push('--max-examples', String(maxExamples), '--generation-deterministic');
    // Its health checks are of how hard it is to make requests, not of the answers.
    args.push('--suppress-health-check', 'all', '--continue-on-failure', '--no-color');
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
            ADMIN_KEY_ID: admin.accessKeyId,
            ADMIN_SECRET_KEY: admin.secretAccessKey,
            CALLER_KEY_ID: caller.accessKeyId,
            CALLER_SECRET_KEY: caller.secretAccessKey,
          },
        },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
      );
    });
  }

  it(
    'finds no error of the server, no undocumented status, and nothing beside the schemas',
    async () => {
      const { code, output } = await fuzz(openapi() as Document, 'examples,coverage,fuzzing,stateful', MAX_EXAMPLES);
      expect(code, output).toBe(0);
      const all = Object.values((openapi() as Document).paths).flatMap((path) => Object.keys(path)).length;
      expect(output).toContain(`Selected: ${all}/${all}`);
      expect(output).toContain(`Tested: ${all}`);
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
