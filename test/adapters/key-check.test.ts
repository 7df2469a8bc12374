import { describe, expect, it } from 'vitest';
import { AwsCallFailed } from '../../functions/adapters/aws/call.ts';
import { isKeyUsable } from '../../functions/adapters/aws/key-check.ts';

const failing = (error: Error) => ({ seal: () => Promise.reject(error) });

describe('the check of the key', () => {
  it('uses the key under a context that the functions may use', async () => {
    const contexts: string[] = [];
    const seal = async (_: string, context: string) => {
      contexts.push(context);
      return 'sealed';
    };
    expect(await isKeyUsable({ seal })).toBe(true);
    expect(contexts).toEqual([expect.stringMatching(/^session:/)]);
  });

  it.each(['DisabledException', 'KMSInvalidStateException', 'NotFoundException', 'AccessDeniedException'])(
    'says that a key is unusable for which KMS answers %s',
    async (code) => {
      expect(await isKeyUsable(failing(new AwsCallFailed('GenerateDataKey', code)))).toBe(false);
    },
  );

  it('says nothing about the key where KMS or the network fails', async () => {
    for (const code of ['ThrottlingException', 'KMSInternalException', 'ECONNRESET', 'Unknown']) {
      expect(await isKeyUsable(failing(new AwsCallFailed('GenerateDataKey', code)))).toBe(true);
    }
    expect(await isKeyUsable(failing(new Error('other')))).toBe(true);
  });
});
