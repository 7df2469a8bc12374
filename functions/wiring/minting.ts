import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { clientConfig } from '../adapters/aws/clients.ts';
import { schedulerBackstop } from '../adapters/aws/scheduler.ts';
import { tokenMinter } from '../adapters/docker-hub/create.ts';
import { dynamodbRates } from '../adapters/dynamodb/rates.ts';
import { dynamodbTimer } from '../adapters/dynamodb/timer.ts';
import { joseTokenSealer } from '../adapters/jose/token-sealer.ts';
import { Rates } from '../core/leases/rates.ts';
import { perMinute } from '../core/model/pace.ts';
import type { MintPorts } from '../core/ports/needs.ts';
import type { BrokerSettings } from '../env.ts';
import { measuredMinter } from './measured.ts';
import { type Wired, type WiringOverrides, wireRevoking } from './revoking.ts';

/** Builds the AWS edition's adapters with what creates tokens and arms their backstops: for the broker alone. */
export function wireMinting(
  settings: BrokerSettings,
  overrides: WiringOverrides = {},
): Omit<Wired, 'ports'> & { readonly ports: () => Promise<MintPorts> } {
  const wired = wireRevoking(settings, overrides);
  const { clock, meter, hubOptions } = wired;
  const minting = {
    minter: measuredMinter(tokenMinter(hubOptions), meter, clock),
    tokenSealer: joseTokenSealer(),
    backstop: schedulerBackstop({
      client: new SchedulerClient(clientConfig()),
      group: settings.scheduleGroup,
      queueArn: settings.queueArn,
      roleArn: settings.scheduleRoleArn,
      deadLetterArn: settings.scheduleDeadLetterArn,
      clock,
    }),
    timer: dynamodbTimer({ client: wired.dynamodb, tableName: settings.leaseTable }),
    rates: new Rates(
      dynamodbRates({ client: wired.dynamodb, tableName: settings.catalogTable }),
      perMinute(settings.callerRatePerMinute, settings.callerBurst),
    ),
  };
  const auditRequired = settings.auditRequired === 'true';
  return { ...wired, ports: async () => ({ ...(await wired.ports()), ...minting, auditRequired }) };
}
