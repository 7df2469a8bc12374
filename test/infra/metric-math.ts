/** The value of a metric in one period; undefined where there is none. */
export type Point = number | undefined;

/** What an expression may name: metrics by their ids. */
export type Points = Readonly<Record<string, Point>>;

type Token = string;
type Operator = '+' | '-' | '*' | '/' | '>' | '>=' | '<' | '<=';

const OPERATORS: Readonly<Record<Operator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
};
/** Loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['>', '>=', '<', '<='],
  ['+', '-'],
  ['*', '/'],
];

/**
 * Works an expression of CloudWatch's metric math out for one period, as far as the alarms use it. A missing value makes everything
 * missing that is computed from it, but for FILL, and for SUM over all metrics, which adds those that are there.
 * Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
 *
 * @throws Error for anything else.
 */
export function workOut(expression: string, points: Points): Point {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|>=|<=|[-+*/<>(),]/g) ?? [];
  if (tokens.join('') !== expression.replaceAll(' ', '')) throw new Error(`cannot read ${expression}`);
  const parser = new Parser(tokens, points);
  return parser.all();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #points: Points;
  #at = 0;

  constructor(tokens: readonly Token[], points: Points) {
    this.#tokens = tokens;
    this.#points = points;
  }

  all(): Point {
    const value = this.#binary(0);
    if (this.#at !== this.#tokens.length) throw new Error(`unexpected ${this.#tokens[this.#at]}`);
    return value;
  }

  #binary(level: number): Point {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#operand();
    let left = this.#binary(level + 1);
    while (operators.includes(this.#tokens[this.#at] ?? '')) {
      const operator = this.#take() as Operator;
      const right = this.#binary(level + 1);
      left = left === undefined || right === undefined ? undefined : OPERATORS[operator](left, right);
    }
    return left;
  }

  #operand(): Point {
    const token = this.#take();
    if (/^\d/.test(token)) return Number(token);
    if (this.#tokens[this.#at] !== '(') {
      if (!(token in this.#points)) throw new Error(`no metric ${token}`);
      return this.#points[token];
    }
    return this.#call(token);
  }

  #call(name: string): Point {
    this.#expect('(');
    if (name === 'SUM') {
      for (const part of ['METRICS', '(', ')', ')']) this.#expect(part);
      const values = Object.values(this.#points).filter((value) => value !== undefined);
      return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
    }
    const args = [this.#binary(0)];
    while (this.#tokens[this.#at] === ',') {
      this.#take();
      args.push(this.#binary(0));
    }
    this.#expect(')');
    const [first, second, third] = args;
    if (name === 'FILL' && args.length === 2) return first ?? second;
    if (name === 'IF' && args.length === 3) return first === undefined ? undefined : first === 0 ? third : second;
    throw new Error(`unknown function ${name}`);
  }

  #take(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error('the expression ends early');
    return token;
  }

  #expect(token: Token): void {
    const got = this.#take();
    if (got !== token) throw new Error(`expected ${token}, got ${got}`);
  }
}
