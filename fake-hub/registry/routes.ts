/** A small read-only registry: `registry-1.docker.io`, as far as a pull needs it. */

import type { Answer, HubRequest } from '../answer.ts';
import type { Hub } from '../hub.ts';
import { pullRefused, registryAnswer, registryError } from './access.ts';
import { type Blob, tinyImage } from './image.ts';

/** The one tag of every image. */
const TAG = 'latest';

const IMAGE = tinyImage();

/** GET `/v2/`: whether the bearer is good. */
export function pingRegistry(hub: Hub, request: HubRequest): Answer {
  return pullRefused(hub, request) ?? registryAnswer(200, 'application/json', '{}');
}

/** GET `/v2/{name}/tags/list`. */
export function listTags(hub: Hub, request: HubRequest): Answer {
  return pull(hub, request, (name) => registryAnswer(200, 'application/json', JSON.stringify({ name, tags: [TAG] })));
}

/** GET `/v2/{name}/manifests/{reference}`: by the tag `latest` or by digest. */
export function getManifest(hub: Hub, request: HubRequest): Answer {
  return pull(hub, request, () => {
    const { manifest } = IMAGE;
    const { reference } = request.params;
    const isKnown = reference === TAG || reference === manifest.digest;
    return isKnown
      ? blobAnswer(manifest, manifest.mediaType)
      : registryError(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  });
}

/** GET `/v2/{name}/blobs/{digest}`. */
export function getBlob(hub: Hub, request: HubRequest): Answer {
  return pull(hub, request, () => {
    const blob = IMAGE.blobs.get(request.params.digest ?? '');
    return blob === undefined
      ? registryError(404, 'BLOB_UNKNOWN', 'blob unknown to registry')
      : blobAnswer(blob, 'application/octet-stream');
  });
}

function pull(hub: Hub, request: HubRequest, work: (repository: string) => Answer): Answer {
  const repository = request.params.repository ?? '';
  const refusal = pullRefused(hub, request, repository);
  if (refusal !== undefined) return refusal;
  return hub.images.has(repository)
    ? work(repository)
    : registryError(404, 'NAME_UNKNOWN', 'repository name not known to registry');
}

function blobAnswer({ content, digest }: Blob, type: string): Answer {
  return registryAnswer(200, type, content, { 'docker-content-digest': digest, etag: `"${digest}"` });
}
