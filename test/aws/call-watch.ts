import { Client } from '@smithy/core/client';
import { vi } from 'vitest';
import { type FaultPlan, type PlantedFault, plantFaults } from './planted-faults.ts';

/** Which of the calls to AWS meets a fault, and for how many of its tries. */
export interface CallFault {
  /** Position among the calls, from 0, in the order in which they were begun. */
  readonly at: number;
  readonly fault: PlantedFault;
  readonly tries: number;
}

export interface CallWatch {
  /** Runs something and returns the operations that it called, such as `PutItem`; one of them meets the fault, if one is given. */
  during(run: () => Promise<unknown>, fault?: CallFault): Promise<readonly string[]>;
  stop(): void;
}

interface Sent {
  readonly constructor: { readonly name: string };
}

/**
 * Watches every call that any client of the AWS SDK makes, whoever built the client. What runs must be alone: calls of two
 * runs at a time cannot be told apart.
 */
export function watchCalls(): CallWatch {
  const plans = new WeakMap<object, FaultPlan>();
  let current: { readonly calls: string[]; readonly fault: CallFault | undefined } | undefined;
  const send = Client.prototype.send as (this: object, command: Sent, ...rest: unknown[]) => Promise<unknown>;

  async function watched(this: object, command: Sent, ...rest: unknown[]): Promise<unknown> {
    if (current === undefined) return send.call(this, command, ...rest);
    const { calls, fault } = current;
    const operation = operationOf(command);
    calls.push(operation);
    if (fault === undefined || fault.at !== calls.length - 1) return send.call(this, command, ...rest);
    const plan = plans.get(this) ?? plantFaults(this as Parameters<typeof plantFaults>[0]);
    plans.set(this, plan);
    plan.fail(operation, fault.fault, fault.tries);
    try {
      return await send.call(this, command, ...rest);
    } finally {
      plan.fail(operation, fault.fault, 0);
    }
  }

  const spy = vi.spyOn(Client.prototype, 'send').mockImplementation(watched as never);
  return {
    async during(run, fault) {
      const calls: string[] = [];
      current = { calls, fault };
      try {
        await run();
      } finally {
        current = undefined;
      }
      return calls;
    },
    stop: () => spy.mockRestore(),
  };
}

/** The document client has commands of its own, each for one of DynamoDB's. */
const DOCUMENT_COMMANDS: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  BatchGet: 'BatchGetItem',
  BatchWrite: 'BatchWriteItem',
  TransactWrite: 'TransactWriteItems',
  TransactGet: 'TransactGetItems',
};

function operationOf(command: Sent): string {
  const name = command.constructor.name.replace(/Command$/, '');
  return DOCUMENT_COMMANDS[name] ?? name;
}
