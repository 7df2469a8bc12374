import { createPatch, FILE_HEADERS_ONLY } from 'diff';
import { stringify } from 'yaml';
import type { CatalogDocument } from './catalog-document.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What an answer says besides what a PUT can set. */
const NOT_SETTABLE = [
  ...['name', 'status', 'managedBy', 'createdAt', 'updatedAt'],
  ...['verification', 'verificationPending', 'expiryGranularity', 'dismissedTokenIds', 'state'],
];

/** What a secret has when its PUT does not say, for that replaces; a target's PUT keeps what it does not say. */
const SECRET_DEFAULTS: Fields = { renewable: false, tags: {}, deleteProtection: false };

/** The difference between an object as it is and as it is wanted, as a unified diff; empty when there is none. */
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

/** Whether the login of a target belongs to another user than the one that is wanted. */
export function needsCredential(document: CatalogDocument, current: Fields | undefined): boolean {
  return (
    current === undefined || (document.wanted.username !== undefined && document.wanted.username !== current.username)
  );
}

function settable(current: Fields): Fields {
  const entries = Object.entries(current).filter(([key]) => !NOT_SETTABLE.includes(key));
  // The name of a secret's own target is nobody's to choose.
  return Object.fromEntries(current.ownTarget === true ? entries.filter(([key]) => key !== 'target') : entries);
}

function textOf(fields: Fields): string {
  const text = stringify(fields, { sortMapEntries: true, lineWidth: 0 });
  return Object.keys(fields).length === 0 ? '' : text;
}
