import type { HubProblem, HubReply } from '../../../functions/core/ports/docker-hub.ts';
import type { AdminPorts, MintPorts, SweepPorts } from '../../../functions/core/ports/needs.ts';

export type AllPorts = MintPorts & AdminPorts & SweepPorts & Required<Pick<MintPorts, 'timer'>>;

type SteeredPort = Exclude<keyof AllPorts, 'clock' | 'ids' | 'labels' | 'limits' | 'rates'>;

/** Every call that can be steered, such as `leases.update`. */
export type CallName = { [P in SteeredPort]: `${P}.${Exclude<keyof AllPorts[P] & string, 'settleMs'>}` }[SteeredPort];

/** What a port's own error says: it must never be seen again. */
export const ERROR_CANARY = 'canary-error-of-a-port';

/** What becomes of one call. `apply` is what the adapter would do. */
export type Fault = (apply: () => Promise<unknown>) => Promise<unknown>;

/** The call has no effect and rejects. */
export const rejects: Fault = async () => {
  throw new Error(ERROR_CANARY);
};

/** The call has its effect, and its reply is lost. */
export const losesReply: Fault = async (apply) => {
  await apply();
  throw new Error(ERROR_CANARY);
};

/** The call has no effect and gets this answer. */
export const answers =
  (value: unknown): Fault =>
  async () =>
    value;

/** The call has its effect, and gets this answer all the same. */
export const appliesThenAnswers =
  (value: unknown): Fault =>
  async (apply) => {
    await apply();
    return value;
  };

/** Docker Hub's answer when a call does not succeed. */
export function refusal(problem: HubProblem, meta: HubReply<never>['meta'] = {}): HubReply<never> {
  return { ok: false, problem, meta };
}

/** Something else happens before the call has its effect. */
export const preceded =
  (act: () => unknown): Fault =>
  async (apply) => {
    await act();
    return apply();
  };

/** Something else happens between the call's effect and its reply. */
export const followed =
  (act: () => unknown): Fault =>
  async (apply) => {
    const value = await apply();
    await act();
    return value;
  };

interface Plan {
  readonly call: CallName;
  readonly fault: Fault;
  /** Calls of that name to let pass first. */
  skip: number;
  left: number;
}

/** One call that was made, whatever became of it. */
export interface Call {
  readonly name: CallName;
  readonly args: readonly unknown[];
}

/** Stands between core and the adapters: writes down each call, and lets faults happen where a test planned them. */
export class Steering {
  readonly calls: Call[] = [];
  readonly #plans: Plan[] = [];

  /** Plans a fault for the `nth` coming call of that name, and for `times` calls from then on. */
  on(call: CallName, fault: Fault, { nth = 1, times = 1 }: { nth?: number; times?: number } = {}): void {
    this.#plans.push({ call, fault, skip: nth - 1, left: times });
  }

  /** The arguments of every call of that name so far. */
  argsOf(name: CallName): (readonly unknown[])[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.args);
  }

  /** The names of the calls so far that are among these, in their order. */
  order(...names: CallName[]): CallName[] {
    return this.calls.map((call) => call.name).filter((name) => names.includes(name));
  }

  /** How many calls went to Docker Hub so far. */
  get hubCalls(): number {
    return this.calls.filter(({ name }) => name.startsWith('hub.') || name.startsWith('minter.')).length;
  }

  /** The same adapter, each of its methods steered. */
  steered<P extends SteeredPort>(port: P, adapter: AllPorts[P]): AllPorts[P] {
    const entries = Object.entries(adapter as object).map(([method, member]) => {
      if (typeof member !== 'function') return [method, member];
      const name = `${port}.${method}` as CallName;
      return [method, (...args: unknown[]) => this.#call(name, args, () => member(...args))];
    });
    return Object.fromEntries(entries) as AllPorts[P];
  }

  async #call(name: CallName, args: readonly unknown[], apply: () => Promise<unknown>): Promise<unknown> {
    this.calls.push({ name, args: structuredClone(args) });
    const plans = this.#plans.filter((plan) => plan.call === name && plan.left > 0);
    let chosen: Plan | undefined;
    for (const plan of plans) {
      if (plan.skip > 0) plan.skip -= 1;
      else chosen ??= plan;
    }
    if (chosen === undefined) return apply();
    chosen.left -= 1;
    return chosen.fault(apply);
  }
}
