import type { DatabaseSync } from 'node:sqlite';

/** Writes that share transactions, because each transaction waits for the disk and keeps everything else waiting with it. */
export interface Commits {
  /**
   * Runs `work` in one transaction with all that was asked for in the same turn of the event loop. Resolves once that is on disk.
   * Nothing can be read meanwhile that is not.
   *
   * @throws what `work` throws, and nothing of it was written; or what kept the transaction from being committed, and nothing of
   *   any of them was.
   */
  write<T>(work: () => T): Promise<T>;
  /** Commits at once what waits. For the closing of the database. */
  flush(): void;
}

interface Waiting {
  /** Runs the work; returns how to tell its outcome. Throws only where the transaction itself has ended. */
  readonly run: () => () => void;
  readonly reject: (error: unknown) => void;
}

/** The shared transactions of a database. */
export function commitsOf(database: DatabaseSync): Commits {
  const enter = database.prepare('SAVEPOINT one');
  const leave = database.prepare('RELEASE one');
  const undo = database.prepare('ROLLBACK TO one');
  let waiting: Waiting[] = [];

  function runOne<T>(work: () => T, resolve: (result: T) => void, reject: (error: unknown) => void): () => void {
    enter.run();
    try {
      const result = work();
      leave.run();
      return () => resolve(result);
    } catch (error) {
      // Some failures, such as a full disk, have ended the transaction already, and those before it with it.
      if (!database.isTransaction) throw error;
      undo.run();
      leave.run();
      return () => reject(error);
    }
  }

  function flush(): void {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    let outcomes: (() => void)[] = [];
    try {
      database.exec('BEGIN EXCLUSIVE');
      outcomes = batch.map(({ run }) => run());
      database.exec('COMMIT');
    } catch (error) {
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
      outcomes = batch.map(
        ({ reject }) =>
          () =>
            reject(error),
      );
    }
    for (const tell of outcomes) tell();
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ run: () => runOne(work, resolve, reject), reject });
      }),
    flush,
  };
}
