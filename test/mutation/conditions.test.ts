import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAst } from 'vitest/node';
import { HARMLESS } from './harmless.ts';
import { mutantsOf, mutated, unreadLines } from './mutants.ts';
import { storeSources } from './store-suites.ts';

const pathOf = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const sourceOf = (file: string) => readFileSync(pathOf(file), 'utf8');

/** What a source becomes, one after the other. */
function changesOf(source: string, file = 'functions/adapters/example.ts'): string[] {
  return mutantsOf(file, source).map((mutant) => mutated(source, mutant));
}
const sqlOf = (sql: string) => changesOf(`\`${sql}\``, 'local/example.ts').map((text) => text.slice(1, -1));
const dynamodbOf = (expression: string) => changesOf(`'${expression}'`).map((text) => text.slice(1, -1));

describe('the mutants of the stores', () => {
  it('take in every source that asks DynamoDB, Secrets Manager or SQLite under a condition', () => {
    const askers = ['functions/adapters', 'local']
      .flatMap((folder) =>
        readdirSync(pathOf(folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
      )
      .filter((file) => file.endsWith('.ts'))
      .filter((file) => /lib-dynamodb'|\/rows\.ts'|client-secrets-manager'|\bprepare\(/.test(sourceOf(file)));
    // The label key is one secret that is made once. The database's file, and the Docker Hub that a folder belongs to, are
    // read under conditions of their own.
    const others = ['functions/adapters/aws/label-key.ts', 'local/sqlite/database.ts', 'local/sqlite/hub-of-folder.ts'];
    expect(askers.filter((file) => !others.includes(file)).filter((file) => !storeSources().includes(file))).toEqual(
      [],
    );
    expect(storeSources().length).toBeGreaterThan(20);
  });

  it.each(storeSources())('cover every term that a query in %s holds, and leave code that can be read', (file) => {
    const source = sourceOf(file);
    expect(unreadLines(file, source), 'lines with terms that no mutant changes').toEqual([]);
    for (const mutant of mutantsOf(file, source)) {
      const code = mutated(source, mutant);
      expect(code).not.toBe(source);
      expect(() => parseAst(code, { lang: 'ts' }), `line ${mutant.line}: ${mutant.replacement}`).not.toThrow();
    }
  });

  it('that are listed as harmless are each found once', () => {
    for (const { file, line, original, replacement } of HARMLESS) {
      const source = sourceOf(file);
      const found = mutantsOf(file, source).filter(
        (mutant) =>
          mutant.original === original &&
          mutant.replacement === replacement &&
          source.split('\n')[mutant.line - 1]?.trim() === line,
      );
      expect(found, `${file}: ${line}`).toHaveLength(1);
    }
  });
});

describe('a condition in code', () => {
  it('is made true and false', () => {
    expect(changesOf('if (a) b();')).toEqual(['if (true) b();', 'if (false) b();']);
    expect(changesOf('const b = a === 1;')).toEqual(['const b = true;', 'const b = false;']);
    expect(changesOf('f(a ? b : c);')).toEqual(['f(true ? b : c);', 'f(false ? b : c);']);
  });

  it('of several terms loses each of them, and itself', () => {
    expect(changesOf('if (a && !b && c.d) e();')).toEqual([
      'if (true && !b && c.d) e();',
      'if (false) e();',
      'if (a && true && c.d) e();',
      'if (a && !b && true) e();',
    ]);
    expect(changesOf('if (a || (b && c)) d();').toSorted()).toEqual(
      [
        'if (false || (b && c)) d();',
        'if (true) d();',
        'if (a || (true && c)) d();',
        'if (a || (b && true)) d();',
        'if (a || (false)) d();',
      ].toSorted(),
    );
  });

  it('is kept apart from what is wanted where it holds', () => {
    expect(changesOf('f(row && read(row));')).toEqual(['f(true && read(row));', 'f(false);']);
    expect(changesOf('f({ ...(a !== 1 && { a }) });')).toEqual(['f({ ...(true && { a }) });', 'f({ ...(false) });']);
  });

  it('has its edges moved, and never keeps a loop from ending', () => {
    expect(changesOf('for (let n = 0; n < 5; n++) f();')).toEqual([
      'for (let n = 0; false; n++) f();',
      'for (let n = 0; n <= 5; n++) f();',
    ]);
  });

  it('that is only named in a filter is left out', () => {
    expect(changesOf('f(rows.filter(isOpen));')).toEqual(['f(rows);']);
  });
});

describe('a condition of DynamoDB', () => {
  it('loses each term with its connective, and all of itself', () => {
    expect(dynamodbOf('attribute_not_exists(#v) OR (#o = :o AND #v = :v)').toSorted()).toEqual(
      [
        '(#o = :o AND #v = :v)',
        '',
        'attribute_not_exists(#v)',
        'attribute_not_exists(#v) OR (#v = :v)',
        'attribute_not_exists(#v) OR (#o = :o)',
      ].toSorted(),
    );
    expect(dynamodbOf('#open > :zero')).toEqual(['', '#open >= :zero']);
  });

  it('of a key keeps its partition, without which DynamoDB would refuse it', () => {
    const keys = (expression: string) => changesOf(`f({ KeyConditionExpression: '${expression}' })`);
    expect(keys('a = :a')).toEqual([]);
    expect(keys('a = :a AND b < :b').map((text) => text.slice(29, -4))).toEqual(['a = :a', 'a = :a AND b <= :b']);
    expect(keys('a = :a AND b BETWEEN :c AND :d').map((text) => text.slice(29, -4))).toEqual([
      'a = :a AND b <= :d',
      'a = :a AND b >= :c',
    ]);
  });

  it('is not taken for one where something is assigned', () => {
    expect(dynamodbOf('ADD #open :by SET #schema = :one, #at = :now')).toEqual([]);
  });
});

describe('a condition of SQL', () => {
  it('loses each term and keeps its parameters', () => {
    expect(sqlOf('DELETE FROM t WHERE a = ? AND b <> 1 LIMIT 5')).toEqual([
      'DELETE FROM t WHERE (a = ? OR TRUE) AND b <> 1 LIMIT 5',
      'DELETE FROM t WHERE a = ? AND (b <> 1 OR TRUE) LIMIT 5',
    ]);
    expect(sqlOf("(name = :p OR name > :p || '/')").toSorted()).toEqual(
      [
        "((name = :p OR name > :p || '/') OR TRUE)",
        "((name = :p AND FALSE) OR name > :p || '/')",
        "(name = :p OR (name > :p || '/' AND FALSE))",
        "(name = :p OR name >= :p || '/')",
      ].toSorted(),
    );
  });

  it('of a pair loses its order among equals too', () => {
    expect(sqlOf('SELECT a FROM t WHERE (a, b) > (:a, :b) ORDER BY a')).toContain(
      'SELECT a FROM t WHERE (a > :a AND :b = :b) ORDER BY a',
    );
  });

  it('is found in a query below, in what is pieced together, and in what a table demands', () => {
    expect(sqlOf('DELETE FROM t WHERE a IN (SELECT a FROM u WHERE b < 1)')).toEqual([
      'DELETE FROM t WHERE (a IN (SELECT a FROM u WHERE b < 1) OR TRUE)',
      'DELETE FROM t WHERE a IN (SELECT a FROM u WHERE (b < 1 OR TRUE))',
      'DELETE FROM t WHERE a IN (SELECT a FROM u WHERE b <= 1)',
    ]);
    expect(sqlOf(`SELECT a FROM t WHERE \${where} a = 1`)).toEqual([`SELECT a FROM t WHERE \${where} (a = 1 OR TRUE)`]);
    expect(sqlOf(`\${column} = :\${column} AND`)).toEqual([`(\${column} = :\${column} OR TRUE) AND`]);
    expect(sqlOf(`\${plus}\${column} = 1 AND`)).toEqual([`\${plus}(\${column} = 1 OR TRUE) AND`]);
    expect(sqlOf(' AND ')).toEqual([' OR ']);
    expect(sqlOf('CREATE TABLE t (a INTEGER CHECK (a IN (0, 1)))')).toEqual([
      'CREATE TABLE t (a INTEGER CHECK ((a IN (0, 1) OR TRUE)))',
    ]);
    expect(sqlOf('CREATE UNIQUE INDEX i ON t (a) WHERE b = 1')).toHaveLength(1);
    expect(sqlOf('CREATE INDEX i ON t (a) WHERE b = 1'), 'an index decides how fast, not what').toEqual([]);
  });

  it('may be a row that is there already, or a floor', () => {
    expect(sqlOf('INSERT INTO t (a) VALUES (:a) ON CONFLICT (a) DO NOTHING')).toEqual([
      'INSERT OR REPLACE INTO t (a) VALUES (:a) ',
      'INSERT INTO t (a) VALUES (:a) ',
    ]);
    expect(sqlOf('UPDATE t SET a = max(0, a + :by)')).toEqual(['UPDATE t SET a = (a + :by)']);
  });
});
