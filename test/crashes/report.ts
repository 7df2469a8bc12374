/** Prints the figures of a run where they are wanted, as by `npm run crashes`. */
export function report(figures: Readonly<Record<string, unknown>>): void {
  if (process.env.HUBLEASE_FIGURES === '1') process.stderr.write(`${JSON.stringify(figures)}\n`);
}
