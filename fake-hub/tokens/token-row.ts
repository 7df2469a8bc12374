/** What the fake keeps of a token. Never its value, only that value's SHA-256. */

/** PAT: of a user. OAT: of an organization. */
export type TokenKind = 'pat' | 'oat';

export interface TokenResource {
  readonly type: string;
  readonly path: string;
  readonly scopes: readonly string[];
}

/** How a token of somebody else reads oddly: without a creation time, or without a label, as Docker Desktop makes them. */
export type OddForm = 'created-null' | 'label-null';

export interface TokenRow {
  readonly id: string;
  /** Order of creation. */
  readonly sequence: number;
  readonly kind: TokenKind;
  /** User name, or name of the organization. */
  readonly account: string;
  readonly label: string;
  readonly description: string;
  readonly scopes: readonly string[];
  readonly resources: readonly TokenResource[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
  readonly isActive: boolean;
  readonly createdBy: string;
  readonly creatorIp: string;
  readonly creatorUserAgent: string;
  readonly sha256: string;
  /** Made through the control, not through a route: somebody else's token. */
  readonly foreign: boolean;
  readonly odd?: OddForm;
  /** When it was made inactive, if that was after its create. */
  readonly inactiveSinceMs?: number;
  /** A DELETE was answered, and the token goes at this time. */
  readonly leaving?: { readonly atMs: number; readonly by: string };
  readonly deletedAtMs?: number;
  readonly deletedBy?: string;
  /** Deleted, and still listed and readable. */
  readonly staysListed?: true;
}

export type NewToken = Omit<
  TokenRow,
  | 'id'
  | 'sequence'
  | 'sha256'
  | 'lastUsedAtMs'
  | 'inactiveSinceMs'
  | 'leaving'
  | 'deletedAtMs'
  | 'deletedBy'
  | 'staysListed'
>;

/** One applied PATCH. */
export interface TokenPatch {
  readonly id: string;
  readonly account: string;
  readonly atMs: number;
  /** Who asked: a user name, or `control`. */
  readonly by: string;
  /** Names of the fields that were sent and taken. */
  readonly fields: readonly string[];
}
