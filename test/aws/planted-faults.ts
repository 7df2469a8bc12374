/** What goes wrong with one try of one call. */
export type PlantedFault = 'cut off' | 'throttled' | 'timed out';

export const PLANTED_FAULTS: readonly PlantedFault[] = ['cut off', 'throttled', 'timed out'];

interface Faultable {
  readonly middlewareStack: {
    // biome-ignore lint/suspicious/noExplicitAny: the SDK types a middleware by its client, and this fits all.
    add(middleware: any, options: any): void;
  };
}

export interface FaultPlan {
  /** The next `tries` tries of `operation` meet the fault. */
  fail(operation: string, fault: PlantedFault, tries: number): void;
  /** Operations in the order of their tries, faulty ones included. */
  readonly tried: string[];
}

/**
 * Puts planned faults between a client of any service and the wire, one try at a time, below the SDK's own retries. A call
 * that is cut off has its effect and loses its reply; one that is throttled or timed out has none.
 */
export function plantFaults(client: Faultable): FaultPlan {
  const planned = new Map<string, { readonly fault: PlantedFault; tries: number }>();
  const tried: string[] = [];
  client.middlewareStack.add(
    (next: (args: unknown) => Promise<unknown>, context: { commandName?: string }) => async (args: unknown) => {
      const operation = (context.commandName ?? '').replace(/Command$/, '');
      tried.push(operation);
      const plan = planned.get(operation);
      if (plan === undefined || plan.tries === 0) return next(args);
      plan.tries--;
      // The reply is lost whatever it says.
      if (plan.fault === 'cut off') await next(args).catch(() => undefined);
      throw errorOf(plan.fault);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'plantedFaults' },
  );
  return {
    fail: (operation, fault, tries) => void planned.set(operation, { fault, tries }),
    tried,
  };
}

/** The errors as the SDK makes them, so that it tries again as it would. */
function errorOf(fault: PlantedFault): Error {
  const $metadata = {};
  if (fault === 'cut off') return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $metadata });
  if (fault === 'timed out') return Object.assign(new Error('timed out'), { name: 'TimeoutError', $metadata });
  return Object.assign(new Error('Rate exceeded'), {
    name: 'ThrottlingException',
    $fault: 'client',
    $metadata: { httpStatusCode: 429 },
  });
}
