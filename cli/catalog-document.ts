import { parseAllDocuments } from 'yaml';
import { SecretBody, secretOrder } from '../functions/wire/requests/secret.ts';
import { TargetBody, targetOrder } from '../functions/wire/requests/target.ts';
import { CommandFailed, EXIT } from './exit.ts';

export type Kind = 'Target' | 'Secret';

/** One document of `apply`: the wanted state of an item. */
export interface CatalogDocument {
  readonly kind: Kind;
  readonly name: string;
  /** The body of its PUT, credential included. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The same without the credential, in the fields and units of the API's answers, for comparison. */
  readonly wanted: Readonly<Record<string, unknown>>;
}

/** Where values of a credential can come from. */
export interface CredentialSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of standard input, for `-`; absent if the file itself is standard input. */
  readonly stdin?: () => Promise<string>;
}

/** Far more than a catalog has. A larger file is not a catalog. */
const TEXT_MAX_CHARACTERS = 1_000_000;

/**
 * Reads YAML or JSON with any number of documents, each with `kind`, `name` and the body of the PUT. A target with an
 * `organization` belongs to an organization, any other to a user. Values below `credential` may be `{ env: NAME }`, or `-` for
 * standard input, so that the file needs no secret.
 *
 * @returns targets before secrets, which may need them.
 * @throws CommandFailed `usage` that names the document and field, and quotes no value.
 */
export async function readDocuments(text: string, sources: CredentialSources): Promise<CatalogDocument[]> {
  if (text.length > TEXT_MAX_CHARACTERS) throw malformed('the file', 'is too large');
  const documents: CatalogDocument[] = [];
  for (const [index, document] of [...parseAllDocuments(text)].entries()) {
    const where = `document ${index + 1}`;
    if (document.errors.length > 0) throw malformed(where, 'is neither YAML nor JSON');
    // The reader refuses an alias bomb.
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null) continue;
    documents.push(await readDocument(value, where, sources));
  }
  if (documents.length === 0) throw malformed('the file', 'contains no document');
  return documents.toSorted((one, other) => Number(one.kind === 'Secret') - Number(other.kind === 'Secret'));
}

async function readDocument(value: unknown, where: string, sources: CredentialSources): Promise<CatalogDocument> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(where, 'is not an object');
  const { kind, name, ...fields } = value as Record<string, unknown>;
  if (kind !== 'Target' && kind !== 'Secret') throw malformed(where, 'needs "kind: Target" or "kind: Secret"');
  if (typeof name !== 'string') throw malformed(where, 'needs a "name"');
  const body: Record<string, unknown> = { ...fields };
  // In the API, "kind" is the kind of account. The organization implies it.
  if (kind === 'Target' || fields.credential !== undefined) {
    body.kind = fields.organization === undefined ? 'user' : 'org';
  }
  if (body.credential !== undefined)
    body.credential = await credentialOf(body.credential, `${where} (${name})`, sources);
  return { kind, name, body, wanted: wantedOf(kind, name, body, `${where} (${name})`) };
}

/** Fills in values from the environment and standard input. */
async function credentialOf(credential: unknown, where: string, { env, stdin }: CredentialSources): Promise<unknown> {
  if (typeof credential !== 'object' || credential === null) return credential;
  const filled: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(credential)) {
    filled[key] = value;
    const variable = typeof value === 'object' && value !== null ? (value as { env?: unknown }).env : undefined;
    if (typeof variable === 'string') {
      filled[key] = env[variable];
      if (!env[variable]) throw malformed(where, `takes credential.${key} from ${variable}, which is not set`);
    }
    if (value === '-') {
      if (stdin === undefined)
        throw malformed(where, `takes credential.${key} from standard input, but the file is already standard input`);
      filled[key] = (await stdin()).replace(/\r?\n$/, '');
    }
  }
  return filled;
}

function wantedOf(kind: Kind, name: string, body: object, where: string): Record<string, unknown> {
  const schema = kind === 'Target' ? TargetBody : SecretBody;
  const checked = schema.safeParse(body);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const field = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys : [])].join('.');
    const problem = issue?.code === 'unrecognized_keys' ? 'unknown field' : issue?.message;
    throw malformed(where, `${field === '' ? 'is not valid' : field}: ${problem}`);
  }
  try {
    const order =
      kind === 'Target' ? targetOrder(name, checked.data as never, {}) : secretOrder(name, checked.data as never);
    return visible(order);
  } catch (error) {
    const { failure } = error as { failure?: { field?: string; problem?: string } };
    throw malformed(where, `${failure?.field ?? 'a field'}: ${failure?.problem ?? 'is not valid'}`);
  }
}

/** An order in the fields of the answers, without fields that no answer shows. */
function visible(order: object): Record<string, unknown> {
  const { name: _name, verify: _verify, credential, target, protectionJwk, ...rest } = order as Record<string, unknown>;
  return {
    ...rest,
    ...(typeof target === 'string' && { target }),
    ...(typeof target === 'object' && { ownTarget: true }),
    ...(protectionJwk !== undefined && { protectionKey: { jwk: protectionJwk } }),
    ...(isLogin(credential) && { username: credential.username }),
  };
}

function isLogin(credential: unknown): credential is { readonly username: string } {
  return typeof credential === 'object' && credential !== null && 'username' in credential;
}

function malformed(where: string, problem: string): CommandFailed {
  return new CommandFailed(EXIT.usage, `${where} ${problem}`, 'Nothing was changed.');
}
