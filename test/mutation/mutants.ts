import { parseAst } from 'vitest/node';
import { type Dialect, HOLES, hole, type QueryTerms, queryTerms, readsLikeCondition, signs } from './query-terms.ts';

/** One condition of a source taken away or moved by a hair. */
export interface Mutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** What stands there. */
  readonly original: string;
  readonly replacement: string;
  /** In the code itself, or in the text of a query. */
  readonly kind: 'code' | 'query';
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const COMPARISON = /^(?:===|!==|<|<=|>|>=)$/;
const EDGES: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const LOOPS = new Set(['WhileStatement', 'DoWhileStatement', 'ForStatement']);

/** Every mutant of a source, in order of place. */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const mutants: Mutant[] = [];
  const add = (kind: Mutant['kind'], start: number, end: number, replacement: string) =>
    mutants.push({
      file,
      line: lineOf(source, start),
      start,
      end,
      original: source.slice(start, end),
      replacement,
      kind,
    });
  walk(parse(file, source), (node, parent) => {
    if (isText(node)) {
      const { from, holes, terms } = textTerms(file, source, node, parent);
      for (const { start, end, replacement } of terms.changes) {
        const kept = holes.filter((hole) => start <= hole.start && hole.end <= end);
        // Holes stay in their order, so each run of blanks is the next of them.
        const filled = replacement.replace(HOLES, () => kept.shift()?.code ?? '');
        add('query', from + start, from + end, filled);
      }
    }
    for (const [start, end, replacement] of codeChanges(source, node, parent)) add('code', start, end, replacement);
  });
  return mutants.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** What `mutated` says of a source that is not the one a mutant was made of. */
export const SOURCE_CHANGED = 'has changed since its conditions were read';

/** The source as a mutant has it. @throws Error when it is not the source that the mutant was made of. */
export function mutated(source: string, { start, end, original, replacement, file }: Mutant): string {
  if (source.slice(start, end) !== original) throw new Error(`${file} ${SOURCE_CHANGED}`);
  return source.slice(0, start) + replacement + source.slice(end);
}

/** Lines of texts that read like conditions of a query and were not understood as any. */
export function unreadLines(file: string, source: string): readonly number[] {
  const lines: number[] = [];
  walk(parse(file, source), (node, parent) => {
    if (!isText(node)) return;
    const { from, text, terms } = textTerms(file, source, node, parent);
    const isRead = (at: number) => terms.understood.some(({ start, end }) => start <= at && at < end);
    for (const at of signs(text)) if (!isRead(at)) lines.push(lineOf(source, from + at));
  });
  return lines;
}

/** The changes of one node of the code: start, end and what is put there. */
function codeChanges(source: string, node: Node, parent: Node | undefined): (readonly [number, number, string])[] {
  const { start, end } = node;
  const edges = isComparison(node) ? [edgeOf(source, node)].filter((edge) => edge !== undefined) : [];
  if (isNamedFilter(node)) return [[(node.callee as Node & { object: Node }).object.end, end, '']];
  const isWhole = isCondition(node) && !isPartOfCondition(node, parent);
  const isTest = parent !== undefined && 'test' in parent && parent.test === node;
  if (!isWhole && !isTest) return [...edges, ...leftTerm(node, parent)];
  const isLoop = isTest && LOOPS.has(parent.type);
  // A condition that always holds in a loop would never let it end, which no test can see in bounded time.
  const wholes = isAnd(node) || isLoop ? ['false'] : isOr(node) ? ['true'] : ['true', 'false'];
  return [...wholes.map((whole) => [start, end, whole] as const), ...edges];
}

/** A term of a chain left out: made true in an AND, false in an OR. */
function leftTerm(node: Node, parent: Node | undefined): (readonly [number, number, string])[] {
  if (parent === undefined || !(isAnd(parent) || isOr(parent))) return [];
  // A chain of one connective is nested to the left; its terms are left out one by one.
  if (node.type === 'LogicalExpression' && node.operator === parent.operator) return [];
  return isWanted(node, parent) ? [] : [[node.start, node.end, String(isAnd(parent))]];
}

/** What follows an AND may be what is wanted rather than what is asked: `row && read(row)`, `...(isSo && { … })`. */
function isWanted(node: Node, parent: Node): boolean {
  if (!isAnd(parent) || parent.right !== node) return false;
  return (
    node.type === 'ObjectExpression' || ((parent.left as Node).type === 'Identifier' && node.type === 'CallExpression')
  );
}

function edgeOf(source: string, node: Node): readonly [number, number, string] | undefined {
  const operator = String(node.operator);
  const replacement = EDGES[operator];
  const at = source.indexOf(operator, (node.left as Node).end);
  return replacement === undefined ? undefined : [at, at + operator.length, replacement];
}

const isComparison = (node: Node) => node.type === 'BinaryExpression' && COMPARISON.test(String(node.operator));
const isAnd = (node: Node) => node.type === 'LogicalExpression' && node.operator === '&&';
const isOr = (node: Node) => node.type === 'LogicalExpression' && node.operator === '||';
const isNot = (node: Node) => node.type === 'UnaryExpression' && node.operator === '!';
const isCondition = (node: Node) => isComparison(node) || isAnd(node) || isOr(node) || isNot(node);

function isPartOfCondition(_: Node, parent: Node | undefined): boolean {
  return parent !== undefined && (isAnd(parent) || isOr(parent) || isNot(parent));
}

/** `….filter(isSomething)`: a condition that is only named here. */
function isNamedFilter(node: Node): boolean {
  if (node.type !== 'CallExpression') return false;
  const { property } = node.callee as Node & { property?: { name?: string } };
  return property?.name === 'filter' && (node.arguments as Node[])[0]?.type === 'Identifier';
}

function isText(node: Node): boolean {
  return node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node.value === 'string');
}

/** A text of the source with its holes blanked, where it begins, and its terms if it is a query. */
function textTerms(file: string, source: string, node: Node, parent: Node | undefined) {
  const from = node.start + 1;
  let text = source.slice(from, node.end - 1);
  const holes = ((node.expressions ?? []) as Node[]).map((expression) => {
    const [start, end] = [source.lastIndexOf('${', expression.start), source.indexOf('}', expression.end) + 1];
    return { start: start - from, end: end - from, code: source.slice(start, end) };
  });
  for (const { start, end } of holes) text = text.slice(0, start) + hole(end - start) + text.slice(end);
  const dialect: Dialect = file.startsWith('local/') ? 'sql' : 'dynamodb';
  const key = parent?.type === 'Property' ? String((parent.key as Node).name) : '';
  const terms: QueryTerms =
    readsLikeCondition(text) && !isAssignment(source, node)
      ? queryTerms(text, dialect, key === 'KeyConditionExpression')
      : { changes: [], understood: isAssignment(source, node) ? [{ start: 0, end: text.length }] : [] };
  return { from, text, holes, terms };
}

/** A list of columns that are set: `SET ${columns.map(… `${column} = :${column}` …).join(', ')}`. */
function isAssignment(source: string, node: Node): boolean {
  return /SET \$\{[^`]*$/.test(source.slice(Math.max(0, node.start - 60), node.start));
}

function parse(file: string, source: string): Node {
  return parseAst(source, { lang: 'ts' }, file) as unknown as Node;
}

/** Visits every node of the code, and none of the types. */
function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  if (/^(?:TS(?!As|NonNull|Satisfies)|Import|Export(?!Named|Default))/.test(node.type)) return;
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') walk(child, visit, node);
    }
  }
}

function lineOf(source: string, at: number): number {
  return source.slice(0, at).split('\n').length;
}
