import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';

/**
 * What CDK's provider framework takes from the AWS SDK that Lambda's runtime brings along: to call a function. The framework is
 * the one asset that does not bundle its SDK, and these clients are no packages of this repository.
 */
export class Lambda {
  async invoke(asked: { readonly FunctionName: string; readonly Payload: string }) {
    const region = process.env.AWS_REGION;
    const sent = request({
      method: 'POST',
      host: `lambda.${region}.amazonaws.com`,
      path: `/2015-03-31/functions/${encodeURIComponent(asked.FunctionName)}/invocations`,
      headers: { authorization: unchecked('lambda') },
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

/** The emulator reads only who asks, and for what. */
function unchecked(service: string): string {
  const { AWS_ACCESS_KEY_ID, AWS_REGION } = process.env;
  const scope = `${AWS_ACCESS_KEY_ID}/20260101/${AWS_REGION}/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`;
}

/** Only asked for when a call failed. */
export async function waitUntilFunctionActiveV2(): Promise<void> {}

/** Only used by custom resources that take longer than one invocation; hublease's do not. */
export class SFN {}
