import { readFileSync } from 'node:fs';
import { type Client, ProblemError } from '../../client/client.ts';
import type { AnswerOf } from '../../functions/wire/operations.ts';
import type { CatalogDocument } from '../catalog-document.ts';
import { readItem } from '../catalog-item.ts';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { withSpinner } from '../output.ts';

type TargetShown = AnswerOf<'putTarget'>['body']['target'];

export interface ApplyFlags {
  readonly file: string;
  readonly dryRun?: boolean;
  readonly credentials?: boolean;
}

/** `hublease secrets apply` and `hublease targets apply`: either takes documents of both kinds. */
export async function applyFile(context: Context, flags: ApplyFlags): Promise<void> {
  const { io } = context;
  const { readDocuments } = await import('../catalog-document.ts');
  const fromStdin = flags.file === '-';
  const text = fromStdin ? await io.readAll() : textOf(flags.file);
  const documents = await readDocuments(text, { env: io.env, ...(!fromStdin && { stdin: () => io.readAll() }) });
  const client = await context.api();
  for (const document of documents) await applyOne(context, client, document, flags);
}

async function applyOne({ io }: Context, client: Client, document: CatalogDocument, flags: ApplyFlags): Promise<void> {
  const { catalogDiff, needsCredential } = await import('../catalog-diff.ts');
  const { kind, name } = document;
  const { credential, ...rest } = document.body;
  const title = `${kind.toLowerCase()} ${name}`;
  const current = await readItem(client, kind, name).catch((error: unknown) => {
    if (error instanceof ProblemError && error.problem.status === 404) return undefined;
    throw error;
  });
  const diff = catalogDiff(document, current);
  io.out(diff);
  const hasCredential = credential !== undefined;
  // A credential cannot be read back. It is sent if needed or requested. A secret's own credential is always sent.
  const sendsCredential =
    hasCredential && (flags.credentials === true || kind === 'Secret' || needsCredential(document, current));
  if (diff === '' && !(hasCredential && flags.credentials)) {
    io.err(
      `${title}: unchanged${hasCredential ? ' (credentials cannot be compared; --credentials sends them again)' : ''}\n`,
    );
    return;
  }
  const verb = current === undefined ? 'created' : 'changed';
  if (flags.dryRun) return io.err(`${title}: would be ${verb}\n`);
  const body = sendsCredential ? document.body : rest;
  const operation = kind === 'Secret' ? 'putSecret' : 'putTarget';
  const answer = await withSpinner(io, `applying ${title}`, () => client.call(operation, { name, body }));
  const isPending = Number(answer.status) === 202;
  io.err(
    `${title}: ${verb}${isPending ? '; Docker Hub took too long to verify it. Run "hublease targets verify"' : ''}\n`,
  );
  const remarks = 'target' in answer.body ? remarksOf(answer.body.target) : warningsOf(answer.body.warnings);
  for (const text of remarks) io.err(`  ${text}\n`);
}

/** What the verification of a target waits for, or its warnings. */
function remarksOf({ verification, verificationPending }: TargetShown): string[] {
  if (verificationPending !== undefined) return [verificationPending.detail];
  return typeof verification === 'object' ? warningsOf(verification.warnings) : [];
}

function warningsOf(texts: readonly string[] = []): string[] {
  return texts.map((text) => `warning: ${text}`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CommandFailed(EXIT.usage, `cannot read ${path}`, 'Check the path, or give - for standard input.');
  }
}
