import { type About, CATALOG, type PlaceName, type QuestionId, questionsOf } from './catalog.ts';

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** What a run found out about one question. */
export interface Answer {
  readonly id: QuestionId;
  readonly about: About;
  readonly question: string;
  /** One sentence or two. Absent: the question was not asked, or the run ended before its answer. */
  readonly answer?: string;
  /** Which setting or fact of hublease this changes, or why it changes none. */
  readonly changes?: string;
  /** The same in numbers. */
  readonly facts?: Facts;
}

/** The answers of a run so far. */
export class Answers {
  readonly #given = new Map<string, Answer>();
  readonly #tell: (answer: Answer) => void;

  /** @param tell called with each answer that is new. */
  constructor(tell: (answer: Answer) => void) {
    this.#tell = tell;
  }

  add(about: About, id: QuestionId, answer: string, changes: string, facts?: Facts): void {
    const given = { id, about, question: CATALOG[id].question, answer, changes, ...(facts !== undefined && { facts }) };
    const former = this.#given.get(`${about}:${id}`);
    this.#given.set(`${about}:${id}`, given);
    if (former?.answer !== answer) this.#tell(given);
  }

  /** All questions of a run in their order, those without an answer too. */
  all(places: readonly PlaceName[], optional: ReadonlySet<QuestionId>): readonly Answer[] {
    return questionsOf(places, optional).map(
      ([about, id]) => this.#given.get(`${about}:${id}`) ?? { id, about, question: CATALOG[id].question },
    );
  }
}
