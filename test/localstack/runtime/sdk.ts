import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';

/**
 * The part of the AWS SDK that CDK's provider framework uses: it invokes one function. The framework does not bundle the SDK,
 * because Lambda's runtime has a copy. This repository does not depend on these two clients.
 */
export class Lambda {
  async invoke(asked: { readonly FunctionName: string; readonly Payload: string }) {
    const region = process.env.AWS_REGION;
    const sent = request({
      method: 'POST',
      host: `lambda.${region}.amazonaws.com`,
      path: `/2015-03-31/functions/${encodeURIComponent(asked.FunctionName)}/invocations`,
      headers: { authorization: unsignedHeader('lambda') },
    });
    const answered = new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).once('error', reject);
    });
    sent.end(asked.Payload);
    const answer = await answered;
    const Payload = await buffer(answer);
    if (answer.statusCode !== 200) throw new Error(`Invoke answered ${answer.statusCode}`);
    const failed = answer.headers['x-amz-function-error'];
    return { StatusCode: 200, Payload, ...(failed !== undefined && { FunctionError: failed }) };
  }
}

/** The emulator only reads the service from it. */
function unsignedHeader(service: string): string {
  const { AWS_ACCESS_KEY_ID, AWS_REGION } = process.env;
  const scope = `${AWS_ACCESS_KEY_ID}/20260101/${AWS_REGION}/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`;
}

/** The framework calls this only after a failed invocation. */
export async function waitUntilFunctionActiveV2(): Promise<void> {}

/** The framework uses this only for custom resources that are not done after one invocation. hublease's are. */
export class SFN {}
