/** How often each operation answered with each status. */
export class Tally {
  readonly #counts = new Map<string, Map<number, number>>();

  add(operation: string, status: number): void {
    const counts = this.#counts.get(operation) ?? new Map<number, number>();
    counts.set(status, (counts.get(status) ?? 0) + 1);
    this.#counts.set(operation, counts);
  }

  count(operation: string, status: number): number {
    return this.#counts.get(operation)?.get(status) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].flatMap((counts) => [...counts.values()]).reduce((sum, count) => sum + count, 0);
  }

  /** A line for each operation: `whoami: 200 400 times, 403 9 times`. */
  toString(): string {
    const lines = [...this.#counts].map(([operation, counts]) => {
      const statuses = [...counts].sort(([one], [other]) => one - other);
      return `${operation}: ${statuses.map(([status, count]) => `${status} ${count} times`).join(', ')}`;
    });
    return lines.sort().join('\n');
  }
}
