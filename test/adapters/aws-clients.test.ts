import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { clientConfig, MAX_ATTEMPTS } from '../../functions/adapters/aws/clients.ts';

describe('the options of AWS clients', () => {
  it('end a call that nobody answers, after three tries', async () => {
    let tries = 0;
    const silent = createServer(() => {
      tries++;
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { requestHandler, ...config } = clientConfig();
    const client = new SQSClient({
      ...config,
      requestHandler: { ...requestHandler, requestTimeout: 50 },
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' },
    });
    const command = new SendMessageCommand({ QueueUrl: 'http://127.0.0.1/111122223333/q', MessageBody: 'x' });
    await expect(client.send(command)).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(tries).toBe(MAX_ATTEMPTS);
    client.destroy();
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});
