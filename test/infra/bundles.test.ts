import { join } from 'node:path';
import { FileSystem, Stack } from 'aws-cdk-lib';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle, FUNCTION_ENTRIES, type FunctionEntry } from '../../infra/bundle.ts';
import { Hublease } from '../../infra/hublease.ts';
import { appOf, FOLDER, SYNTH_TIMEOUT_MS } from './synthesized.ts';

/** Files that end up in a bundle with at least a byte. */
type Inputs = readonly string[];

const inputs = new Map<FunctionEntry, Inputs>();

beforeAll(() => {
  for (const entry of FUNCTION_ENTRIES) {
    const outputs = Object.values(bundle(entry, join(FOLDER, entry)).outputs);
    inputs.set(
      entry,
      outputs.flatMap((output) =>
        Object.entries(output.inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
      ),
    );
  }
}, SYNTH_TIMEOUT_MS);

function has(entry: FunctionEntry, part: string): boolean {
  return (inputs.get(entry) ?? []).some((file) => file.includes(part));
}

describe('the bundle', () => {
  it.each(['revoker', 'sweeper'] as const)('of the %s has no code that creates schedules', (entry) => {
    expect(has(entry, 'functions/adapters/docker-hub/tokens.ts')).toBe(true);
    expect(has(entry, 'functions/adapters/aws/scheduler.ts')).toBe(false);
    expect(has(entry, 'client-scheduler')).toBe(false);
  });

  it('of the revoker has no code that creates tokens', () => {
    expect(has('revoker', 'functions/adapters/docker-hub/create.ts')).toBe(false);
    for (const file of ['throwaway', 'verify']) {
      expect(has('revoker', `functions/core/catalog/${file}.ts`)).toBe(false);
      expect(has('sweeper', `functions/core/catalog/${file}.ts`)).toBe(true);
    }
  });

  it('of the sweeper, which verifies targets whose mints are refused, has the code that creates their token', () => {
    expect(has('sweeper', 'functions/adapters/docker-hub/create.ts')).toBe(true);
    expect(has('sweeper', 'functions/adapters/jose/token-sealer.ts')).toBe(false);
  });

  it('of the broker has both', () => {
    expect(has('broker', 'functions/adapters/docker-hub/create.ts')).toBe(true);
    expect(has('broker', 'functions/adapters/aws/scheduler.ts')).toBe(true);
  });

  it.each(FUNCTION_ENTRIES)('of %s has nothing of the embedded edition, its fake or the tests', (entry) => {
    const ours = (inputs.get(entry) ?? []).filter((file) => !file.startsWith('node_modules/'));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.filter((file) => !file.startsWith('functions/'))).toEqual([]);
  });

  it(
    'of each function is an asset of its own',
    () => {
      const app = appOf({ bundling: true });
      const stack = new Stack(app, 'Test');
      new Hublease(stack, 'Hublease');
      const { template } = app.synth().getStackByName('Test');
      const keys = Object.values(
        template.Resources as Record<string, { Type: string; Properties: { Code?: { S3Key: string } } }>,
      ).flatMap(({ Type, Properties }) => (Type === 'AWS::Lambda::Function' ? [Properties.Code?.S3Key] : []));
      // By what is in it: a change of any source is uploaded, not only one of the entries.
      const hashes = FUNCTION_ENTRIES.map((entry) => FileSystem.fingerprint(join(FOLDER, entry)));
      expect(hashes.map((hash) => `${hash}.zip`)).toEqual(expect.arrayContaining(keys));
      expect(keys).toHaveLength(4);
      expect(new Set(keys).size).toBe(4);
    },
    SYNTH_TIMEOUT_MS,
  );
});
