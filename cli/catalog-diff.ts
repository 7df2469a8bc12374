import { createPatch, FILE_HEADERS_ONLY } from 'diff';
import { stringify } from 'yaml';
import type { CatalogDocument } from './catalog-document.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Fields of an answer that a PUT cannot set. */
const NOT_SETTABLE = [
  ...['name', 'status', 'managedBy', 'createdAt', 'updatedAt'],
  ...['verification', 'verificationPending', 'expiryGranularity', 'dismissedTokenIds', 'state'],
];

/** Defaults of a secret: its PUT replaces all fields. A target's PUT keeps fields that it omits. */
const SECRET_DEFAULTS: Fields = { renewable: false, tags: {}, deleteProtection: false };

/** The difference between the current and the wanted state, as a unified diff; empty if there is none. */
export function catalogDiff(document: CatalogDocument, current: Fields | undefined): string {
  const before = current === undefined ? {} : settable(current);
  const kept = document.kind === 'Target' ? before : SECRET_DEFAULTS;
  const [from, to] = [textOf(before), textOf({ ...kept, ...document.wanted })];
  if (current !== undefined && from === to) return '';
  const name = `${document.kind} ${document.name}`;
  return createPatch(name, from, to, current === undefined ? 'absent' : 'now', 'wanted', {
    context: 1,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

/** Whether a target needs the credential: it is new, or its user changes. */
export function needsCredential(document: CatalogDocument, current: Fields | undefined): boolean {
  return (
    current === undefined || (document.wanted.username !== undefined && document.wanted.username !== current.username)
  );
}

function settable(current: Fields): Fields {
  const entries = Object.entries(current).filter(([key]) => !NOT_SETTABLE.includes(key));
  // Nobody can choose the name of a secret's own target.
  return Object.fromEntries(current.ownTarget === true ? entries.filter(([key]) => key !== 'target') : entries);
}

function textOf(fields: Fields): string {
  const text = stringify(fields, { sortMapEntries: true, lineWidth: 0 });
  return Object.keys(fields).length === 0 ? '' : text;
}
