import { describe, expect, it } from 'vitest';
import { AwsCallFailed, awsCall, failedWith } from '../../functions/adapters/aws/call.ts';

const failing = (error: unknown) =>
  awsCall('GetSecretValue', () => Promise.reject(error)).catch((caught) => caught as AwsCallFailed);

describe('a call to AWS', () => {
  it('gives the answer through', async () => {
    expect(await awsCall('GetSecretValue', async () => 7)).toBe(7);
  });

  it("fails with the operation and AWS' own code", async () => {
    const error = await failing(Object.assign(new Error('no'), { name: 'ResourceNotFoundException' }));
    expect(error).toBeInstanceOf(AwsCallFailed);
    expect(error.message).toBe('GetSecretValue: ResourceNotFoundException');
    expect(failedWith(error, 'OtherException', 'ResourceNotFoundException')).toBe(true);
    expect(failedWith(error, 'OtherException')).toBe(false);
  });

  it("fails with Node's code when the connection broke", async () => {
    expect((await failing(Object.assign(new Error('no'), { code: 'ECONNRESET' }))).code).toBe('ECONNRESET');
  });

  it('keeps nothing else of the error', async () => {
    const canary = 'canary-55aa';
    for (const error of [
      new Error(canary, { cause: canary }),
      Object.assign(new SyntaxError(`Unexpected token ${canary}`), { $response: { body: canary } }),
      Object.assign(new Error('no'), { name: `Bad name ${canary}` }),
      Object.assign(new Error('no'), { code: `${canary} ` }),
      canary,
      { name: canary },
      null,
    ]) {
      const caught = await failing(error);
      expect(caught.cause).toBeUndefined();
      expect(`${caught.stack} ${JSON.stringify(caught)}`).not.toContain(canary);
    }
  });

  it('takes a foreign error for none of its own', () => {
    expect(failedWith(Object.assign(new Error('no'), { code: 'X' }), 'X')).toBe(false);
  });
});
