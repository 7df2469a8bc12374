const REGION = 'us-east-1';

/** Requests to AWS services for which this repository has no client. They are not signed: the emulator checks no signatures. */
export interface Requests {
  /** For a service with the query protocol. */
  query(service: string, version: string, action: string, fields: Readonly<Record<string, string>>): Promise<unknown>;
  /** For a service with the JSON protocol. @param target such as `AWSEvents.EnableRule`. */
  json(service: string, target: string, body: object): Promise<unknown>;
  /** For a service with the REST protocol. Parses the answer if it is JSON. */
  rest(service: string, method: string, path: string, body?: Uint8Array): Promise<unknown>;
}

/** @param endpoint of the emulator. */
export function requestsTo(endpoint: string): Requests {
  async function send(service: string, path: string, init: RequestInit): Promise<unknown> {
    const scope = `test/20260101/${REGION}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`;
    const headers = { authorization, accept: 'application/json', ...(init.headers as Record<string, string>) };
    const answer = await fetch(`${endpoint}${path}`, { ...init, headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${service} answered ${answer.status}: ${text.slice(0, 500)}`);
    return text.startsWith('{') ? JSON.parse(text) : text;
  }
  return {
    query: (service, version, action, fields) =>
      send(service, '/', {
        method: 'POST',
        body: new URLSearchParams({ Action: action, Version: version, ...fields }),
      }),
    json: (service, target, body) =>
      send(service, '/', {
        method: 'POST',
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
        body: JSON.stringify(body),
      }),
    rest: (service, method, path, body) => send(service, path, { method, ...(body && { body: Buffer.from(body) }) }),
  };
}
