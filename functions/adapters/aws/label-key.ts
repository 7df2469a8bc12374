import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../core/ports/environment.ts';
import type { LabelKeys } from '../../core/ports/sealing.ts';
import { awsCall } from './call.ts';

/** Characters of an installation's id. */
const INSTALLATION_CHARACTERS = 8;
/** 96 bits, which base64url writes as 16 characters: all that fits beside the rest into Docker Hub's 100. */
const MAC_BYTES = 12;
const KEY_BYTES = 32;
/** A shorter seed may be guessed. A seed of 32 random letters and digits has 190 bits. */
const MIN_SEED_CHARACTERS = 32;
const MAX_SEED_CHARACTERS = 4_096;
/** Old keys stay until the last label made with them is gone. More keys than this are never needed. */
const MAX_KEYS = 16;
const FIRST_KEY_ID = 'k1';
/** How soon a process uses a new key. */
const RELOAD_MS = 300_000;
/** Pause after a failed read, so that in an outage not every revocation waits for another one. */
const RELOAD_AFTER_FAILURE_MS = 30_000;

/** The installation secret contains something else than `{"seed", "keys"?, "currentKeyId"?}`. */
export class InstallationSecretMalformed extends Error {
  constructor(problem: string) {
    super(`the installation secret is malformed: ${problem}`);
    this.name = 'InstallationSecretMalformed';
  }
}

/**
 * LabelKeys over given keys.
 *
 * @param keys 32 random bytes by key id; `currentKeyId` must be among them.
 */
export function labelKeys(
  installation: string,
  currentKeyId: string,
  keys: ReadonlyMap<string, Uint8Array>,
): LabelKeys {
  return {
    installation,
    currentKeyId,
    mac(keyId, text) {
      const key = keys.get(keyId);
      if (key === undefined) return undefined;
      return createHmac('sha256', key).update(text).digest().subarray(0, MAC_BYTES).toString('base64url');
    },
    sha256: (token) => createHash('sha256').update(token).digest('hex'),
  };
}

/**
 * Reads the installation secret. The installation's id and the label key `k1` are derived from `seed`, so that a random text from
 * CloudFormation is enough. The seed is made once with the stack, and outlives it. For a new key, add it under `keys` first
 * (`{"k2": "32 or more random characters"}`), wait {@link RELOAD_MS}, then name it in `currentKeyId`.
 *
 * @throws InstallationSecretMalformed, which quotes nothing of the secret.
 */
export function parseInstallationSecret(text: string): LabelKeys {
  const { seed, keys: extra = {}, currentKeyId = FIRST_KEY_ID } = parseObject(text);
  if (!isSeed(seed)) throw new InstallationSecretMalformed(`seed: ${SEED_EXPECTED}`);
  if (typeof extra !== 'object' || extra === null || Array.isArray(extra)) {
    throw new InstallationSecretMalformed('keys: expected an object');
  }
  const keys = new Map([[FIRST_KEY_ID, derive(seed, `hublease label key ${FIRST_KEY_ID}`, KEY_BYTES)]]);
  for (const [keyId, keySeed] of Object.entries(extra)) {
    if (!/^[a-z0-9]{2}$/.test(keyId) || keyId === FIRST_KEY_ID) {
      throw new InstallationSecretMalformed(`keys: a key id is 2 of a-z and 0-9, and not ${FIRST_KEY_ID}`);
    }
    if (!isSeed(keySeed)) throw new InstallationSecretMalformed(`keys: ${SEED_EXPECTED}`);
    keys.set(keyId, derive(keySeed, `hublease label key ${keyId}`, KEY_BYTES));
  }
  if (keys.size > MAX_KEYS) throw new InstallationSecretMalformed(`keys: at most ${MAX_KEYS}`);
  if (typeof currentKeyId !== 'string' || !keys.has(currentKeyId)) {
    throw new InstallationSecretMalformed('currentKeyId: no such key');
  }
  return labelKeys(installationOf(seed), currentKeyId, keys);
}

/**
 * Reads the installation secret at the first call, and then every five minutes. While Secrets Manager is down or the secret is
 * malformed, the keys from the last successful read are used, so that revocations continue.
 *
 * The returned function rejects with AwsCallFailed or InstallationSecretMalformed while there are no keys. IAM action:
 * GetSecretValue.
 */
export function labelKeySource(options: {
  readonly client: SecretsManagerClient;
  readonly secretId: string;
  readonly clock: Pick<Clock, 'nowMs'>;
}): () => Promise<LabelKeys> {
  let held: { readonly keys: LabelKeys; readonly freshUntilMs: number } | undefined;
  return async () => {
    const nowMs = options.clock.nowMs();
    if (held !== undefined && nowMs < held.freshUntilMs) return held.keys;
    try {
      const stored = await awsCall('GetSecretValue', () =>
        options.client.send(new GetSecretValueCommand({ SecretId: options.secretId, VersionStage: 'AWSCURRENT' })),
      );
      held = { keys: parseInstallationSecret(stored.SecretString ?? ''), freshUntilMs: nowMs + RELOAD_MS };
    } catch (error) {
      if (held === undefined) throw error;
      held = { keys: held.keys, freshUntilMs: nowMs + RELOAD_AFTER_FAILURE_MS };
    }
    return held.keys;
  };
}

const SEED_EXPECTED = `expected a text of ${MIN_SEED_CHARACTERS} to ${MAX_SEED_CHARACTERS} random characters`;

function isSeed(value: unknown): value is string {
  return typeof value === 'string' && value.length >= MIN_SEED_CHARACTERS && value.length <= MAX_SEED_CHARACTERS;
}

function parseObject(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InstallationSecretMalformed('not JSON');
  }
  if (typeof json !== 'object' || json === null) throw new InstallationSecretMalformed('not an object');
  return json as Record<string, unknown>;
}

/** Independent bytes for each purpose from one seed. Source: RFC 5869. */
function derive(seed: string, purpose: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', seed, '', purpose, bytes));
}

function installationOf(seed: string): string {
  const bytes = derive(seed, 'hublease installation', INSTALLATION_CHARACTERS);
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join('');
}
