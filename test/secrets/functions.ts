import { inspect } from 'node:util';
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { Client } from '@smithy/core/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answer, type Deployment, deploy } from '../aws/deployment.ts';
import type { Aws, Installation } from '../aws/installation.ts';
import { receive } from '../aws/triggers.ts';
import { Canaries } from '../canary.ts';
import { unique } from '../contract/builders.ts';
import { ECHOES, type EchoingHub, openEchoingHub } from './echoing-hub.ts';
import { PASSWORDS } from './embedded.ts';

/** Secrets Manager is where credentials lie; nowhere else may one of them be sent. */
const CREDENTIAL_STORE = /^(?:CreateSecret|PutSecretValue|UpdateSecret)Command$/;
const CREDENTIAL = { username: 'acme-bot', password: PASSWORDS.bot };
const MINT = { method: 'POST', path: '/v1/lease/ci/release', body: '{"ttl":"2m"}' };
const MAX_MS = 120_000;
const ERROR_NAMES = ['ThrottlingException', 'AccessDeniedException', 'Error'] as const;

/** The adapter before Docker Hub is the embedded edition's, which meets all of them. */
const ECHOED: readonly string[] = [
  'JSON under 401',
  'JSON under 403',
  'JSON under 500',
  'fields of a wrong form',
  'headers',
];

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: unknown;
}

/** The tests of the functions over the real adapters. @param aws both servers, once they run. */
export function functionSecrets(aws: () => Aws): void {
  describe('a function gives no secret away', () => {
    let installation: Installation;
    let echoing: EchoingHub;
    let canaries: Canaries;
    /** Everything that the functions said, on the log and both streams. */
    let said: string[];
    /** What was sent to AWS, where it shows a secret. */
    let sentSecrets: string[];
    /** What was called; and the position of the call that fails, from 0. */
    let calls: string[];
    let failAt: number | undefined;

    beforeEach(async () => {
      said = [];
      sentSecrets = [];
      calls = [];
      failAt = undefined;
      canaries = new Canaries();
      for (const [name, password] of Object.entries(PASSWORDS)) canaries.plant(`password ${name}`, password);
      installation = await aws().install();
      installation.hub.control.setPassword('acme-bot', PASSWORDS.bot);
      echoing = await openEchoingHub(() => installation.hub.url, canaries);
      const { SecretString } = await installation.secrets.send(
        new GetSecretValueCommand({ SecretId: String(installation.settings.installationSecretArn) }),
      );
      const { seed } = JSON.parse(SecretString ?? '');
      canaries.plant('installation seed', seed, Buffer.from(seed, 'hex'));
      // The metrics are a part of what is said.
      for (const stream of [process.stdout, process.stderr]) {
        vi.spyOn(stream, 'write').mockImplementation((chunk) => said.push(String(chunk)) > 0);
      }
      watchSending();
    });
    afterEach(async () => {
      vi.restoreAllMocks();
      await echoing.close();
    });

    /** Looks at all that any client of the SDK sends, and lets one call fail with an error that holds all that it could. */
    function watchSending(): void {
      const send = Client.prototype.send as (this: object, command: Command, ...rest: unknown[]) => Promise<unknown>;
      vi.spyOn(Client.prototype, 'send').mockImplementation(async function (
        this: object,
        command: Command,
        ...rest: unknown[]
      ) {
        const operation = command.constructor.name;
        if (!CREDENTIAL_STORE.test(operation)) {
          sentSecrets.push(...canaries.seenIn(show(command.input)).map((seen) => `${operation}: ${seen}`));
        }
        calls.push(operation);
        if (calls.length - 1 === failAt) throw tellingError(failAt, command.input);
        const output = (await send.call(this, command, ...rest)) as { readonly Plaintext?: Uint8Array };
        if (output.Plaintext !== undefined) canaries.plant('data key', Buffer.from(output.Plaintext));
        return output;
      } as never);
    }

    /** An error of the SDK at its worst: it quotes its request, its answer and whatever secret there is. */
    function tellingError(at: number, request: unknown): Error {
      const everything = `${show(request)} ${Object.values(PASSWORDS).join(' ')}`;
      const name = ERROR_NAMES[at % ERROR_NAMES.length] as string;
      return Object.assign(new Error(everything, { cause: new Error(everything) }), {
        name,
        $fault: 'client',
        $metadata: { httpStatusCode: 400, requestId: everything },
        $response: { body: everything, headers: { authorization: everything } },
        code: everything,
      });
    }

    /** The functions anew, before a Docker Hub that hears all. */
    function functions(): Deployment {
      const writeLog = { write: (line: string) => said.push(line) };
      const overrides = { hubOrigin: echoing.url, clock: installation.clock, writeLog };
      return deploy(installation.settings, installation.queueUrl, overrides);
    }

    /** An answer of a function, or what it failed with, has been searched: a token in its own field apart. */
    async function heard(work: Promise<unknown>): Promise<Answer> {
      const outcome = await work.catch((error: unknown) => error);
      const token = (outcome as Partial<Answer>).body?.credential?.password;
      const text = show(outcome) + (outcome instanceof Error ? `${outcome.stack}${outcome.cause}` : '');
      // The parsed body and the text of it.
      const shown = token === undefined ? text : text.replace(token, '').replace(token, '');
      expect(canaries.seenIn(shown)).toEqual([]);
      return outcome as Answer;
    }

    async function put(path: string, body: object, query = {}): Promise<Answer> {
      const answer = await heard(
        functions().admin({ method: 'PUT', path: `/v1/admin/${path}`, query, body: JSON.stringify(body) }),
      );
      if (![200, 201].includes(answer.status)) throw new Error(`PUT ${path} answered ${answer.text}`);
      return answer;
    }

    async function prepare(): Promise<void> {
      await put('targets/bot', { kind: 'user', credential: CREDENTIAL });
      await put('secrets/ci/release', {
        target: 'bot',
        scope: 'repo:write',
        defaultTtl: '15m',
        maxTtl: '1h',
        renewable: true,
        allow: ['arn:aws:iam::111122223333:role/ci*'],
      });
    }

    /** Everything that was said, sent and kept, but for what Secrets Manager keeps. */
    async function expectNothingGivenAway(): Promise<void> {
      expect(canaries.names).toEqual(expect.arrayContaining(['token', 'session', 'data key']));
      expect(sentSecrets).toEqual([]);
      expect(canaries.seenIn(said.join('\n'))).toEqual([]);
      failAt = undefined;
      const { client } = installation.leaseTable;
      const kept: unknown[] = [await receive(installation), await installation.auditEvents()];
      for (const table of ['leaseTable', 'catalogTable']) {
        const { Items } = await client.send(new ScanCommand({ TableName: String(installation.settings[table]) }));
        expect(Items).not.toEqual([]);
        kept.push(Items);
      }
      for (const { id } of await installation.leases()) kept.push(await installation.schedule(id));
      expect(canaries.seenIn(show(kept))).toEqual([]);
    }

    /** What each function is for. Each may be run again and again. */
    const WORK: readonly (readonly [
      string,
      (before: { readonly leaseId: string; readonly ownersArn: string }) => Promise<unknown>,
    ])[] = [
      ['a mint', async () => functions().broker(MINT)],
      [
        'a renewal',
        async ({ leaseId }) => functions().broker({ method: 'POST', path: `/v1/leases/${leaseId}/renew`, body: '{}' }),
      ],
      [
        'a look at Docker Hub',
        async ({ leaseId }) =>
          functions().broker({ method: 'GET', path: `/v1/leases/${leaseId}`, query: { live: ['true'] } }),
      ],
      ['a revocation', async ({ leaseId }) => functions().broker({ method: 'DELETE', path: `/v1/leases/${leaseId}` })],
      [
        'a new target',
        async () => {
          const body = JSON.stringify({ kind: 'user', credential: CREDENTIAL });
          return functions().admin({ method: 'PUT', path: `/v1/admin/targets/${unique('t').toLowerCase()}`, body });
        },
      ],
      [
        'a declared target',
        async ({ ownersArn }) =>
          functions().catalogResource({
            RequestType: 'Create',
            RequestId: unique('request'),
            ResourceProperties: {
              entry: 'target',
              name: unique('d').toLowerCase(),
              kind: 'user',
              credentialArn: ownersArn,
              verify: 'true',
            },
          }),
      ],
      [
        'a message of the queue',
        async ({ leaseId }) => {
          const record = {
            messageId: '1',
            receiptHandle: 'handle-1',
            body: JSON.stringify({ leaseId }),
            attributes: { ApproximateReceiveCount: '1' },
            eventSource: 'aws:sqs',
          };
          return functions().revoker({ Records: [record] } as never);
        },
      ],
      ['a sweep', async () => functions().sweeper()],
    ];

    it.each(WORK)(
      'in %s, whichever kind of call to AWS fails, with an error that quotes all',
      async (_, work) => {
        await prepare();
        const SecretString = JSON.stringify(CREDENTIAL);
        const owners = new CreateSecretCommand({ Name: unique('owner'), SecretString });
        const ownersArn = (await installation.secrets.send(owners)).ARN as string;
        const run = async (at?: number) => {
          const { body } = await heard(functions().broker(MINT));
          await installation.removeSession('bot');
          calls = [];
          failAt = at;
          await heard(work({ leaseId: body.lease.id, ownersArn }));
          failAt = undefined;
          return calls;
        };
        const all = await run();
        expect(all.length).toBeGreaterThan(1);
        // The first call of each kind and the last.
        for (const at of new Set(all.flatMap((kind) => [all.indexOf(kind), all.lastIndexOf(kind)]))) await run(at);
        await expectNothingGivenAway();
      },
      MAX_MS,
    );

    it(
      'when Docker Hub gives back what it was sent',
      async () => {
        await prepare();
        for (const [name, echo] of ECHOES.filter(([each]) => ECHOED.includes(each))) {
          const { body } = await heard(functions().broker(MINT));
          echoing.echo(['login', 'create', 'list', 'get', 'delete', 'date'], echo);
          await installation.removeSession('bot');
          const { status } = await heard(functions().broker(MINT));
          expect(status, name).toBeGreaterThanOrEqual(500);
          await heard(functions().broker({ method: 'DELETE', path: `/v1/leases/${body.lease.id}` }));
          echoing.echo([]);
          // Past what it asked to be left alone for, and what a refused password waits for.
          installation.clock.advance(900_000);
        }
        echoing.echo(['login', 'create', 'list', 'get', 'delete', 'date'], ECHOES[0]?.[1]);
        await heard(functions().sweeper());
        await expectNothingGivenAway();
      },
      MAX_MS,
    );

    it('to a caller that it cannot make out, or that sends secrets where none belong', async () => {
      await prepare();
      await heard(functions().broker(MINT));
      const body = JSON.stringify({ kind: 'user', credential: { ...CREDENTIAL, [PASSWORDS.wrong]: PASSWORDS.wrong } });
      const admin = { method: 'PUT', path: '/v1/admin/targets/bot' };
      const refused = [
        await heard(functions().broker({ ...MINT, userArn: null })),
        await heard(functions().broker({ ...MINT, userArn: PASSWORDS.bot })),
        await heard(functions().admin({ ...admin, body })),
        await heard(functions().admin({ ...admin, body: body.slice(0, -2) })),
        await heard(functions().admin({ ...admin, body: Buffer.from(body).toString('base64') })),
        await heard(functions().admin({ ...admin, body: '{}', query: { [PASSWORDS.bot]: [PASSWORDS.bot] } })),
      ];
      expect(refused.map((answer) => answer.body.code)).toEqual([
        'caller_unknown',
        'caller_unknown',
        'invalid_field',
        'invalid_field',
        'invalid_field',
        'invalid_field',
      ]);
      await expectNothingGivenAway();
    });
  });
}

function show(what: unknown): string {
  return inspect(what, { depth: null, maxArrayLength: null, maxStringLength: null, showHidden: true });
}
