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

/** How long a credential is cached in memory. With one login per session, a longer time would save little. */
const CACHE_MS = 60_000;
/** Maximum targets in the cache of one process. */
const CACHE_MAX = 200;
/** Secrets Manager's minimum. Source: DeleteSecret, `RecoveryWindowInDays` 7 to 30. */
const RECOVERY_DAYS = 7;

/**
 * The content of a secret while its target has no credential. Secrets Manager makes the first version of a secret current, even
 * if it is put as pending. So an unproven credential must never be the first version. Source: PutSecretValue, "If this operation
 * creates the first version for the secret, then Secrets Manager automatically attaches the staging label AWSCURRENT to it".
 */
const NO_CREDENTIAL = JSON.stringify({ credential: null });

/** A permanent label of that first version. When a credential is removed, this version becomes current again without a new write. */
const EMPTY_STAGE = 'HUBLEASE_EMPTY';

/** A target's secret that contains something else than `{"username", "password", "totpSecret"?}`. */
export class CredentialMalformed extends Error {
  readonly target: string;

  constructor(target: string) {
    super(`the secret of target ${target} is not {"username", "password", "totpSecret"?} with non-empty texts`);
    this.name = 'CredentialMalformed';
    this.target = target;
  }
}

/** A change was requested for a credential that hublease only reads. */
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
  /** Prefixes of the installation's former keys. Secrets with them are read and removed, but no new ones are added. @default none */
  readonly formerPrefixes?: readonly string[];
  /** The key that encrypts new secrets. */
  readonly keyArn: string;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** ARN of a secret that the target's owner keeps, undefined for a secret of ours. Such a secret is read, never changed. */
  readonly secretIdOf?: (target: string) => Promise<string | undefined>;
  /** Full name of a secret of ours, as the target's row has it; undefined where it has none. @default nothing is recorded */
  readonly recordedNameOf?: (target: string) => Promise<string | undefined>;
}

/** TargetCredentials with a short-lived cache. */
export interface SecretsManagerCredentials extends TargetCredentials {
  /** Full name of the secret of ours that a target has, under the current prefix if it can be; undefined without one. */
  locate(target: string): Promise<string | undefined>;
  /** Drops a target's cached credential. */
  forget(target: string): void;
  /** Reads the credential that a target's owner keeps under that ARN, without the cache. Rejects like `read`. */
  readFrom(
    target: string,
    secretArn: string,
  ): Promise<{ readonly credential: Credential; readonly version: string } | undefined>;
  /** Drops a cached credential that Docker Hub refused, because it may have been replaced since. */
  forgetCredential(credential: Credential): void;
}

/**
 * Keeps one secret per target in Secrets Manager. Staging is the label AWSPENDING, promoting moves AWSCURRENT. A removed secret
 * can be restored by hand for seven days. Its last credential has the label AWSPREVIOUS. In that time, its target can also get a
 * new credential.
 *
 * A secret may be under the prefix of a former key. It stays there until its target is given a new credential, which goes to the
 * current prefix.
 *
 * Every method rejects with AwsCallFailed; `read` and `promote` also with CredentialMalformed, `stage` and `promote` with
 * CredentialNotOurs, and `read` and `remove` with CredentialOutOfReach. `read` may be up to a minute behind a promotion made
 * elsewhere.
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
    CACHE_MAX,
  );
  const ownIdOf = (target: string) => `${options.prefix}/${target}`;
  const ownIdsOf = (target: string) =>
    [options.prefix, ...(options.formerPrefixes ?? [])].map((of) => `${of}/${target}`);
  const foreignIdOf = async (target: string) => options.secretIdOf?.(target);

  async function ownId(target: string): Promise<string> {
    if ((await foreignIdOf(target)) !== undefined) throw new CredentialNotOurs(target);
    return ownIdOf(target);
  }

  /** All possible names of the secret, the recorded one first. */
  async function candidatesOf(target: string): Promise<readonly string[]> {
    const known = ownIdsOf(target);
    const recorded = await options.recordedNameOf?.(target);
    if (recorded === undefined) return known;
    if (!known.includes(recorded)) throw new CredentialOutOfReach(target);
    // A credential that was to be moved may still be in its old place.
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

  /**
   * Adds a version beside the current one. The SDK retries the request with the same token, so a lost reply causes no second
   * version.
   */
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
      // If the reply to a move is lost, the SDK's retry fails, because the label is no longer on the old version.
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
    // Another process may have created the secret meanwhile, or our own first try, whose reply was lost. Both left NO_CREDENTIAL.
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

  /** Labels the first version. If the process that created it died before this, it is still the only version. */
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
      // Secrets Manager gives this answer for removed secrets and in other cases. Only a removed secret means that there is no
      // credential.
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
      // Reading the version first proves that it exists, contains a credential, and is not removed.
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

/** Owners' secrets may contain more fields than those that are read here. */
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
