import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

/** What must be running for a suite. */
export type Backing = 'dynamodb' | 'moto' | 'none';

/** Sources of one kind of store, and the tests that stand for their conditions. */
export interface StoreSuites {
  readonly backing: Backing;
  readonly sources: RegExp;
  readonly tests: readonly string[];
  /** Only tests whose full name matches. */
  readonly only?: string;
}

const CONTRACTS = 'test/aws/dynamodb-contracts.test.ts';

/** The first that matches a source counts. */
export const STORE_SUITES: readonly StoreSuites[] = [
  {
    backing: 'dynamodb',
    sources: /^functions\/adapters\/dynamodb\/(?:catalog|sessions|sweep-mark)\.ts$/,
    tests: [CONTRACTS, 'test/aws/dynamodb-catalog.test.ts'],
    only: 'contract of (Catalog|SessionStore)|the catalog in DynamoDB',
  },
  {
    backing: 'dynamodb',
    sources: /^functions\/adapters\/dynamodb\/(?:counters|replays|transaction)\.ts$/,
    tests: [CONTRACTS, 'test/aws/dynamodb-claims.test.ts'],
    only: 'create under|update that counts|correctCounter|claims of leases in DynamoDB',
  },
  {
    backing: 'dynamodb',
    sources: /^functions\/adapters\/dynamodb\/open-leases\.ts$/,
    tests: [CONTRACTS, 'test/aws/dynamodb-leases.test.ts'],
    only: 'LeaseStore > (due|listOpen|countOpen) |leases in DynamoDB',
  },
  {
    backing: 'dynamodb',
    sources: /^functions\/adapters\/dynamodb\/(?!ttl-record).*\.ts$/,
    tests: [
      CONTRACTS,
      'test/aws/dynamodb-leases.test.ts',
      'test/aws/dynamodb-claims.test.ts',
      'test/aws/dynamodb-catalog.test.ts',
    ],
  },
  {
    backing: 'dynamodb',
    sources: /^functions\/adapters\/page-token\.ts$/,
    tests: ['test/local/sqlite-contracts.test.ts', 'test/aws/dynamodb-leases.test.ts'],
  },
  {
    backing: 'moto',
    sources: /^functions\/adapters\/aws\/secrets-manager\.ts$/,
    tests: ['test/aws/secrets-manager.test.ts', 'test/aws/moto.test.ts', 'test/aws/moto-faults.test.ts'],
    only: 'Secrets Manager',
  },
  {
    backing: 'none',
    sources: /^local\/sqlite\/(?:data|migrations)\.ts$/,
    tests: [
      'test/local/sqlite-key-file.test.ts',
      'test/local/sqlite-database.test.ts',
      'test/local/sqlite-rows.test.ts',
      'test/local/sqlite-contracts.test.ts',
    ],
  },
  {
    backing: 'none',
    sources: /^local\/sqlite\/set-back\.ts$/,
    tests: ['test/local/clock-set-back.test.ts'],
  },
  {
    backing: 'none',
    sources: /^local\/sqlite\/commits\.ts$/,
    tests: ['test/local/sqlite-commits.test.ts', 'test/local/sqlite-contracts.test.ts'],
  },
  {
    backing: 'none',
    sources: /^local\/sqlite\/(?!database|key-file|hub-of-folder).*\.ts$/,
    tests: ['test/local/sqlite-contracts.test.ts', 'test/local/sqlite-rows.test.ts'],
  },
];

/** The suites of one source; undefined where it is no store's. */
export function suitesOf(file: string): StoreSuites | undefined {
  return STORE_SUITES.find(({ sources }) => sources.test(file));
}

/** The sources of all stores, by path from the root. */
export function storeSources(): readonly string[] {
  const files = ['functions/adapters', 'local'].flatMap((folder) =>
    readdirSync(fileURLToPath(new URL(folder, ROOT)), { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name}`,
    ),
  );
  return files.filter((file) => suitesOf(file) !== undefined).sort();
}
