/** How a query is written: DynamoDB's condition expressions, or SQL. */
export type Dialect = 'dynamodb' | 'sql';

/** One change of a query's text, by places in that text. */
export interface QueryChange {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** What was found in a query: the changes to try, and the parts that are no condition or cannot be changed. */
export interface QueryTerms {
  readonly changes: readonly QueryChange[];
  /** Stretches that the terms and the exempt parts take up. What is in none of them was not understood. */
  readonly understood: readonly { readonly start: number; readonly end: number }[];
}

const HOLE_BEGINS = '\u0001';
const HOLE_GOES_ON = '\u0002';

/** Finds what `hole` has written. */
export const HOLES: RegExp = new RegExp(`${HOLE_BEGINS}${HOLE_GOES_ON}*`, 'g');

/** Stands for `${…}` in a query's text, and is as long. */
export function hole(length: number): string {
  return HOLE_BEGINS + HOLE_GOES_ON.repeat(length - 1);
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A chain of one connective, a group in brackets, or a single comparison. */
type Term = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'chain'; readonly by: 'AND' | 'OR'; readonly terms: readonly Term[] }
  | { readonly kind: 'group'; readonly inner: Term }
  | { readonly kind: 'single'; readonly tokens: readonly Token[] }
);

const TOKEN = new RegExp(`:?${HOLES.source}|'[^']*'|[:#]?[\\w.]+|\\|\\||<>|<=|>=|[^\\s]`, 'g');
const COMPARISON = /^(?:=|<>|<=|>=|<|>|IN|IS|BETWEEN)$/;
/** What ends a condition besides a bracket that it did not open. */
const CLAUSE_END = /^(?:ORDER|LIMIT|SET|AS|ON|;|,)$/;
const EDGES: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };

/** Says whether a text holds anything that reads like a condition, whether or not it is understood. */
export function readsLikeCondition(text: string): boolean {
  return signs(text).length > 0;
}

/** Places of everything that reads like a part of a condition: found without understanding it, to check what was understood. */
export function signs(text: string): readonly number[] {
  // What follows these is assigned, not compared.
  const compared = text.replace(/\b(?:SET|PRAGMA)\b[\s\S]*?(?=\bWHERE\b|$)/g, (set) => set.replaceAll(' = ', '   '));
  const sign =
    /\b(?:AND|OR|NOT IN|BETWEEN|EXISTS|ON CONFLICT|CHECK|WHERE)\b|\battribute_|max\(0|(?<= )(?:=|<>|<=?|>=?)(?= )/g;
  return Array.from(compared.matchAll(sign), (match) => match.index);
}

/**
 * The terms of a query: each left out once, each edge of a comparison moved.
 *
 * @param text with its holes as `hole` writes them.
 * @param isKey whether it is a key condition: its first term names the partition, and DynamoDB refuses to go without.
 */
export function queryTerms(text: string, dialect: Dialect, isKey = false): QueryTerms {
  const connective = /^ (AND|OR) $/.exec(text)?.[1];
  if (connective !== undefined) {
    const replacement = connective === 'AND' ? ' OR ' : ' AND ';
    const whole = { start: 0, end: text.length };
    return { changes: [{ ...whole, replacement }], understood: [whole] };
  }
  const tokens = Array.from(text.matchAll(TOKEN), ({ 0: part, index }) => ({
    text: part,
    start: index,
    end: index + part.length,
  }));
  const write = dialect === 'sql' ? sqlWriter(text) : dynamodbWriter(text);
  const changes: QueryChange[] = [];
  const understood: { start: number; end: number }[] = [];
  for (const { at, isExempt, keyword } of beginnings(tokens, dialect)) {
    const place = { at };
    const root = parseChain(tokens, place);
    const end = tokens[place.at - 1]?.end ?? 0;
    understood.push({ start: keyword ?? tokens[at]?.start ?? 0, end });
    if (root !== undefined && !isExempt) changes.push(...changesOf(root, write, isKey));
  }
  if (dialect === 'sql') addClauses(text, changes, understood);
  return { changes, understood };
}

/** Where conditions begin: the whole of a DynamoDB expression or of a piece of SQL, else behind its keywords. */
function beginnings(tokens: readonly Token[], dialect: Dialect) {
  const found: { at: number; isExempt: boolean; keyword?: number }[] = [];
  const first = tokens[0]?.text ?? '';
  if (dialect === 'dynamodb')
    return /^(?:ADD|SET)$/.test(first) ? [] : [{ at: 0, isExempt: false, keyword: undefined }];
  const isStatement = tokens.some(({ text }) => /^(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA)$/.test(text));
  if (!isStatement) return [{ at: 0, isExempt: false, keyword: undefined }];
  let statement: string[] = [];
  for (const [index, { text, start }] of tokens.entries()) {
    statement = text === ';' ? [] : [...statement, text];
    // An index decides how fast rows are found, not which; only a unique one refuses any.
    const isExempt = statement[0] === 'CREATE' && statement[1] === 'INDEX';
    if (text === 'WHERE') found.push({ at: index + 1, isExempt, keyword: start });
    if (text === 'CHECK') found.push({ at: index + 2, isExempt, keyword: start });
    if (text === 'SELECT' && tokens[index + 1]?.text === 'EXISTS') found.push({ at: index + 1, isExempt });
  }
  return found;
}

function changesOf(root: Term, write: Writer, isKey: boolean): QueryChange[] {
  const changes: QueryChange[] = [];
  // All of an OR made true is more than any arm of it made false.
  if (root.kind === 'chain' && root.by === 'OR') changes.push(write.left(root, root, 'AND'));
  else if (root.kind !== 'chain' && !isKey) changes.push(write.left(root, root, 'AND'));
  const visit = (term: Term) => {
    if (term.kind === 'group') visit(term.inner);
    if (term.kind === 'chain') {
      for (const [index, each] of term.terms.entries()) {
        const isPartition = isKey && term === root && index === 0;
        if (isPartition) continue;
        if (!isOneBetween(each)) changes.push(write.left(term, each, term.by));
        visit(each);
      }
    }
    if (term.kind === 'single') changes.push(...write.edges(term.tokens));
  };
  visit(root);
  return changes;
}

/** A BETWEEN is two terms in one: each of its ends is left out by itself. */
function isOneBetween(term: Term): boolean {
  return term.kind === 'single' && term.tokens.some(({ text }) => text === 'BETWEEN');
}

interface Writer {
  /** Leaves a term of a chain out: made true in an AND, false in an OR. */
  left(chain: Term, term: Term, by: 'AND' | 'OR'): QueryChange;
  /** Moves the edges of a comparison, or leaves out one of its two sides. */
  edges(tokens: readonly Token[]): QueryChange[];
}

/** SQL keeps every parameter in place, for one that is bound and not there would be refused. */
function sqlWriter(text: string): Writer {
  return {
    left: (_, { start, end }, by) => ({
      start,
      end,
      replacement: `(${text.slice(start, end)} ${by === 'AND' ? 'OR TRUE' : 'AND FALSE'})`,
    }),
    edges(tokens) {
      const pair = /^\((\w+), (\w+)\) ([<>]) \((:\w+), (:\w+)\)$/;
      const [first, last] = [tokens[0], tokens.at(-1)];
      if (first === undefined || last === undefined) return [];
      const [, column, , by, value, other] = pair.exec(text.slice(first.start, last.end)) ?? [];
      const ties = {
        start: first.start,
        end: last.end,
        replacement: `(${column} ${by} ${value} AND ${other} = ${other})`,
      };
      return [...moved(tokens), ...(column === undefined ? [] : [ties])];
    },
  };
}

/** DynamoDB has neither TRUE nor FALSE, so a term is cut out with its connective. */
function dynamodbWriter(text: string): Writer {
  return {
    left(chain, term) {
      const terms = chain.kind === 'chain' && chain !== term ? chain.terms : [term];
      const index = terms.indexOf(term);
      const [before, after] = [terms[index - 1], terms[index + 1]];
      const start = before?.end ?? term.start;
      return { start, end: before === undefined && after !== undefined ? after.start : term.end, replacement: '' };
    },
    edges(tokens) {
      const at = tokens.findIndex(({ text }) => text === 'BETWEEN');
      const [of, between, from, and, to] = tokens.slice(Math.max(0, at - 1));
      if (at < 0 || of === undefined || between === undefined || from === undefined || and === undefined || !to) {
        return moved(tokens);
      }
      const end = to.end;
      return [
        { start: between.start, end, replacement: `<= ${text.slice(to.start, end)}` },
        { start: between.start, end, replacement: `>= ${text.slice(from.start, from.end)}` },
      ];
    },
  };
}

function moved(tokens: readonly Token[]): QueryChange[] {
  let depth = 0;
  return tokens.flatMap(({ text, start, end }) => {
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    const replacement = depth === 0 ? EDGES[text] : undefined;
    return replacement === undefined ? [] : [{ start, end, replacement }];
  });
}

/** What SQL decides outside of conditions: a row that is there already, and a floor under a number. */
function addClauses(text: string, changes: QueryChange[], understood: { start: number; end: number }[]): void {
  for (const { 0: clause, 1: action, index: start } of text.matchAll(/ON CONFLICT \(\w+\) DO (NOTHING|UPDATE)/g)) {
    const [end, from] = [start + clause.length, text.lastIndexOf('INSERT', start)];
    understood.push({ start, end });
    changes.push({ start, end: action === 'NOTHING' ? end : text.length, replacement: '' });
    const between = text.slice(from + 'INSERT'.length, start);
    if (action === 'NOTHING') changes.push({ start: from, end, replacement: `INSERT OR REPLACE${between}` });
    else changes.push({ start, end: text.length, replacement: clause.replace('UPDATE', 'NOTHING') });
  }
  for (const { 0: floor, 1: number, index: start } of text.matchAll(/max\(0, ([^)]+)\)/g)) {
    understood.push({ start, end: start + floor.length });
    changes.push({ start, end: start + floor.length, replacement: `(${number})` });
  }
}

interface Place {
  at: number;
}

/** Reads an OR of ANDs of terms, up to where the condition ends. */
function parseChain(tokens: readonly Token[], place: Place, by: 'OR' | 'AND' = 'OR'): Term | undefined {
  const terms: Term[] = [];
  for (;;) {
    const term = by === 'OR' ? parseChain(tokens, place, 'AND') : parseTerm(tokens, place);
    if (term !== undefined) terms.push(term);
    if (tokens[place.at]?.text !== by) break;
    place.at += 1;
  }
  const [first, last] = [terms[0], terms.at(-1)];
  if (first === undefined || last === undefined || first === last) return first;
  return { kind: 'chain', by, terms, start: first.start, end: last.end };
}

function parseTerm(tokens: readonly Token[], place: Place): Term | undefined {
  // A hole that stands alone is written from pieces elsewhere, which are looked at there.
  const isAlone = (token?: Token) =>
    token?.text.startsWith(HOLE_BEGINS) && !COMPARISON.test(tokens[place.at + 1]?.text ?? '');
  while (isAlone(tokens[place.at])) place.at += 1;
  const own: Token[] = [];
  let depth = 0;
  let betweens = 0;
  for (let token = tokens[place.at]; token !== undefined; token = tokens[place.at]) {
    if (depth === 0 && (token.text === ')' || token.text === 'OR' || CLAUSE_END.test(token.text))) break;
    if (depth === 0 && token.text === 'AND' && betweens-- === 0) break;
    if (token.text === 'BETWEEN') betweens = 1;
    depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    own.push(token);
    place.at += 1;
  }
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const [start, end] = [first.start, last.end];
  const inner = isGroup(own) ? parseChain(own, { at: 1 }) : undefined;
  return inner === undefined ? { kind: 'single', tokens: own, start, end } : { kind: 'group', inner, start, end };
}

/** Says whether the first bracket closes with the last token and holds a condition rather than a list of values. */
function isGroup(tokens: readonly Token[]): boolean {
  if (tokens[0]?.text !== '(' || tokens[1]?.text === 'SELECT') return false;
  let depth = 0;
  const close = tokens.findIndex(({ text }) => {
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    return depth === 0;
  });
  return close === tokens.length - 1 && tokens.some(({ text }) => COMPARISON.test(text));
}
