import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { Credential } from '../../core/model/target.ts';
import type { TargetCredentials } from '../../core/ports/catalog.ts';
import type { Clock } from '../../core/ports/environment.ts';
import { CredentialOutOfReach } from '../../core/ports/out-of-reach.ts';
import { awsCall, failedWith } from './call.ts';
import { ShortCache } from './short-cache.ts';

/** How long a credential is served from memory. A fleet that logs in once per session life gains little from longer. */
const CACHE_MS = 60_000;
/** Targets held in memory by one process. */
const CACHE_MOST = 200;
/** The shortest that Secrets Manager offers. Source: DeleteSecret, `RecoveryWindowInDays` 7 to 30. */
const RECOVERY_DAYS = 7;

/**
 * What a secret holds while its target has no credential. Secrets Manager makes the first version of a secret current by
 * itself, even when it is put as pending, so an unproven credential must never be the first.
 * Source: PutSecretValue, "If this operation creates the first version for the secret, then Secrets Manager automatically
 * attaches the staging label AWSCURRENT to it".
 */
const NO_CREDENTIAL = JSON.stringify({ credential: null });

/** Marks that first version for good, so that removing a credential can make it current again without writing anything. */
const EMPTY_STAGE = 'HUBLEASE_EMPTY';

/** A secret of a target that holds something else than `{"username", "password", "totpSecret"?}`. */
export class CredentialMalformed extends Error {
  readonly target: string;

  constructor(target: string) {
    super(`the secret of target ${target} is not {"username", "password", "totpSecret"?} with non-empty texts`);
    this.name = 'CredentialMalformed';
    this.target = target;
  }
}

/** A change was asked of a credential that hublease only reads. */
export class CredentialNotOurs extends Error {
  readonly target: string;

  constructor(target: string) {
    super(`the secret of target ${target} belongs to its owner, who alone may change it`);
    this.name = 'CredentialNotOurs';
    this.target = target;
  }
}

export interface SecretsManagerOptions {
  readonly client: SecretsManagerClient;
  /** Targets' secrets are named `PREFIX/TARGET`. New ones are made under this prefix. */
  readonly prefix: string;
  /** Prefixes of keys that the installation had before. What is there is read and removed, and nothing is added. @default none */
  readonly formerPrefixes?: readonly string[];
  /** Key under which new secrets are encrypted. */
  readonly keyArn: string;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** ARN of a secret that the target's owner keeps, undefined for a secret of ours. Such a secret is read, never changed. */
  readonly secretIdOf?: (target: string) => Promise<string | undefined>;
  /** Full name of a secret of ours, as the target's row has it; undefined where it has none. @default nothing is recorded */
  readonly recordedNameOf?: (target: string) => Promise<string | undefined>;
}

/** TargetCredentials with a short memory. */
export interface SecretsManagerCredentials extends TargetCredentials {
  /** Full name of the secret of ours that a target has, under the current prefix if it can be; undefined without one. */
  locate(target: string): Promise<string | undefined>;
  /** Drops what is remembered of a target. */
  forget(target: string): void;
  /** Reads the credential that a target's owner keeps under that ARN, past the memory. Rejects as `read`. */
  readFrom(
    target: string,
    secretArn: string,
  ): Promise<{ readonly credential: Credential; readonly version: string } | undefined>;
  /** Drops a credential that Docker Hub refused: it may have been replaced since. */
  forgetCredential(credential: Credential): void;
}

/**
 * Keeps one secret per target in Secrets Manager. Staging is the label AWSPENDING, promoting moves AWSCURRENT. A removed
 * secret can be restored by hand for seven days (its last credential carries AWSPREVIOUS), and its target may be given a new
 * credential in that time.
 *
 * A secret may be under the prefix of a former key. It stays there until its target is given a new credential, which goes to the
 * current prefix.
 *
 * Every method rejects with AwsCallFailed; `read` and `promote` also with CredentialMalformed, `stage` and `promote` with
 * CredentialNotOurs, and `read` and `remove` with CredentialOutOfReach. `read` may be up to a minute behind a promotion made elsewhere.
 *
 * IAM actions: read GetSecretValue, DescribeSecret; stage DescribeSecret, CreateSecret, RestoreSecret, PutSecretValue,
 * UpdateSecretVersionStage; promote GetSecretValue, DescribeSecret, UpdateSecretVersionStage; remove DescribeSecret,
 * UpdateSecretVersionStage, DeleteSecret.
 */
export function secretsManagerCredentials(options: SecretsManagerOptions): SecretsManagerCredentials {
  const { client, clock } = options;
  const cache = new ShortCache<{ readonly credential: Credential; readonly version: string }>(
    clock,
    CACHE_MS,
    CACHE_MOST,
  );
  const ownIdOf = (target: string) => `${options.prefix}/${target}`;
  const ownIdsOf = (target: string) =>
    [options.prefix, ...(options.formerPrefixes ?? [])].map((of) => `${of}/${target}`);
  const foreignIdOf = async (target: string) => options.secretIdOf?.(target);

  async function ownId(target: string): Promise<string> {
    if ((await foreignIdOf(target)) !== undefined) throw new CredentialNotOurs(target);
    return ownIdOf(target);
  }

  /** Every name under which the secret may be, the recorded one first. */
  async function candidatesOf(target: string): Promise<readonly string[]> {
    const known = ownIdsOf(target);
    const recorded = await options.recordedNameOf?.(target);
    if (recorded === undefined) return known;
    if (!known.includes(recorded)) throw new CredentialOutOfReach(target);
    // A credential that was about to move may still be where it was.
    return [recorded, ...known.filter((name) => name !== recorded)];
  }

  async function readOwn(target: string) {
    for (const secretId of await candidatesOf(target)) {
      const read = await readFrom(target, secretId);
      if (read !== undefined) return read;
    }
    return undefined;
  }

  async function removeSecret(secretId: string): Promise<void> {
    const found = await describe(secretId);
    if (found === undefined || found.DeletedDate !== undefined) return;
    // Restoring the secret for a new credential must not bring the old one back.
    const stages = Object.entries(found.VersionIdsToStages ?? {});
    const empty = stages.find(([, labels]) => labels.includes(EMPTY_STAGE))?.[0];
    if (empty !== undefined) await makeCurrent(secretId, empty);
    await awsCall('DeleteSecret', () =>
      client.send(new DeleteSecretCommand({ SecretId: secretId, RecoveryWindowInDays: RECOVERY_DAYS })),
    );
  }

  async function describe(secretId: string): Promise<DescribeSecretCommandOutput | undefined> {
    return awsCall('DescribeSecret', () => client.send(new DescribeSecretCommand({ SecretId: secretId }))).catch(
      undefinedWhen('ResourceNotFoundException'),
    );
  }

  /** Adds a version beside the current one. The SDK repeats the request with the same token, so a lost reply adds no second. */
  async function putPending(secretId: string, text: string): Promise<string> {
    const version = randomUUID();
    await awsCall('PutSecretValue', () =>
      client.send(
        new PutSecretValueCommand({
          SecretId: secretId,
          SecretString: text,
          VersionStages: ['AWSPENDING'],
          ClientRequestToken: version,
        }),
      ),
    );
    return version;
  }

  async function currentVersion(secretId: string): Promise<string | undefined> {
    const stages = Object.entries((await describe(secretId))?.VersionIdsToStages ?? {});
    return stages.find(([, labels]) => labels.includes('AWSCURRENT'))?.[0];
  }

  async function makeCurrent(secretId: string, version: string): Promise<void> {
    const current = await currentVersion(secretId);
    if (current === version) return;
    try {
      await awsCall('UpdateSecretVersionStage', () =>
        client.send(
          new UpdateSecretVersionStageCommand({
            SecretId: secretId,
            VersionStage: 'AWSCURRENT',
            RemoveFromVersionId: current,
            MoveToVersionId: version,
          }),
        ),
      );
    } catch (error) {
      // The SDK's repetition of a move whose reply was lost fails, for the label is no longer where it was to be taken from.
      const moved = failedWith(error, 'InvalidParameterException') && (await currentVersion(secretId)) === version;
      if (!moved) throw error;
    }
  }

  async function ensureSecret(secretId: string): Promise<void> {
    const found = await describe(secretId);
    if (found?.DeletedDate !== undefined) {
      await awsCall('RestoreSecret', () => client.send(new RestoreSecretCommand({ SecretId: secretId })));
    }
    if (found !== undefined) return markEmpty(secretId, found);
    const first = randomUUID();
    // Somebody else may have created it meanwhile, or our own first try whose reply was lost: both left NO_CREDENTIAL.
    await awsCall('CreateSecret', () =>
      client.send(
        new CreateSecretCommand({
          Name: secretId,
          KmsKeyId: options.keyArn,
          SecretString: NO_CREDENTIAL,
          ClientRequestToken: first,
          Description: 'Docker Hub credential that hublease mints tokens with',
        }),
      ),
    ).catch(undefinedWhen('ResourceExistsException'));
    const created = await describe(secretId);
    if (created !== undefined) await markEmpty(secretId, created);
  }

  /** Marks the first version, also for one who died before doing so: it is the only one then. */
  async function markEmpty(secretId: string, { VersionIdsToStages = {} }: DescribeSecretCommandOutput): Promise<void> {
    const versions = Object.entries(VersionIdsToStages);
    const [only] = versions;
    if (versions.length !== 1 || only === undefined || only[1].includes(EMPTY_STAGE)) return;
    await awsCall('UpdateSecretVersionStage', () =>
      client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: secretId,
          VersionStage: EMPTY_STAGE,
          MoveToVersionId: only[0],
        }),
      ),
    );
  }

  async function readFrom(target: string, secretId: string) {
    const stored = await awsCall('GetSecretValue', () =>
      client.send(new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' })),
    ).catch(async (error) => {
      if (failedWith(error, 'ResourceNotFoundException')) return undefined;
      // Secrets Manager answers thus for a removed secret, and for others: only the former means that there is none.
      if (failedWith(error, 'InvalidRequestException') && (await describe(secretId))?.DeletedDate) return undefined;
      throw error;
    });
    if (stored === undefined || stored.SecretString === NO_CREDENTIAL) return undefined;
    return { credential: parse(target, stored.SecretString), version: stored.VersionId ?? '' };
  }

  return {
    async read(target) {
      const remembered = cache.get(target);
      if (remembered !== undefined) return remembered;
      const asOfMs = clock.nowMs();
      const foreignId = await foreignIdOf(target);
      const read = await (foreignId === undefined ? readOwn(target) : readFrom(target, foreignId));
      if (read !== undefined) cache.put(target, read, asOfMs);
      return read;
    },

    readFrom,

    async stage(target, credential) {
      const secretId = await ownId(target);
      await ensureSecret(secretId);
      const { username, password, totpSecret } = credential;
      return putPending(secretId, JSON.stringify({ username, password, totpSecret }));
    },

    async promote(target, version) {
      const secretId = await ownId(target);
      // Reading it first proves that the version is there, holds a credential, and is not removed.
      const staged = await awsCall('GetSecretValue', () =>
        client.send(new GetSecretValueCommand({ SecretId: secretId, VersionId: version })),
      );
      parse(target, staged.SecretString);
      await makeCurrent(secretId, version);
      cache.forget(target);
    },

    async remove(target) {
      cache.forget(target);
      if ((await foreignIdOf(target)) !== undefined) return;
      for (const secretId of await candidatesOf(target)) await removeSecret(secretId);
    },

    async locate(target) {
      for (const secretId of ownIdsOf(target)) {
        const found = await describe(secretId);
        if (found !== undefined && found.DeletedDate === undefined) return secretId;
      }
      return undefined;
    },

    forget(target) {
      cache.forget(target);
    },

    forgetCredential(credential) {
      cache.forgetWhere(
        (held) => held.credential.username === credential.username && held.credential.password === credential.password,
      );
    },
  };
}

function undefinedWhen(code: string): (error: unknown) => undefined {
  return (error) => {
    if (!failedWith(error, code)) throw error;
    return undefined;
  };
}

/** Owners' secrets may hold more than what is read here. */
function parse(target: string, text: string | undefined): Credential {
  let json: unknown;
  try {
    json = JSON.parse(text ?? '');
  } catch {
    throw new CredentialMalformed(target);
  }
  const { username, password, totpSecret } = (json ?? {}) as Record<string, unknown>;
  if (!isText(username) || !isText(password) || (totpSecret !== undefined && !isText(totpSecret))) {
    throw new CredentialMalformed(target);
  }
  return totpSecret === undefined ? { username, password } : { username, password, totpSecret };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
