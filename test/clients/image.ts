import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** The older of the two families of media types: docker 20.10 cannot read OCI's. */
const DOCKER = 'application/vnd.docker';

/** A tar archive without entries: two empty blocks. */
const EMPTY_TAR = Buffer.alloc(1_024);

/**
 * Writes the smallest image there is, as skopeo and buildah read it with `dir:FOLDER`. Its bytes are always the same.
 * Source: containers/image, `docs/containers-transports.5.md` and `directory/directory_transport.go`.
 */
export function writeImage(folder: string): void {
  mkdirSync(folder);
  const put = (content: Buffer) => {
    const hex = sha256(content);
    writeFileSync(join(folder, hex), content);
    return { size: content.length, digest: `sha256:${hex}` };
  };
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(EMPTY_TAR)}`] },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: `${DOCKER}.distribution.manifest.v2+json`,
    config: { mediaType: `${DOCKER}.container.image.v1+json`, ...put(Buffer.from(JSON.stringify(config))) },
    layers: [{ mediaType: `${DOCKER}.image.rootfs.diff.tar.gzip`, ...put(gzipSync(EMPTY_TAR)) }],
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'version'), 'Directory Transport Version: 1.1\n');
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
