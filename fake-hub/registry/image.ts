/** The one tiny image that the fake's registry serves. Its bytes, and so its digests, are always the same. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** The older of the two families of media types: every client can read it. */
const DOCKER = 'application/vnd.docker';
const MANIFEST_TYPE = `${DOCKER}.distribution.manifest.v2+json`;

const GREETING = 'This image was pulled from the fake Docker Hub of hublease.\n';

const TAR_BLOCK_BYTES = 512;

export interface Blob {
  readonly content: Buffer;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly mediaType: string;
}

export interface Image {
  readonly manifest: Blob;
  /** The configuration and the layer, by digest. */
  readonly blobs: ReadonlyMap<string, Blob>;
}

/** Makes the image: one layer with one small file. Source: Docker's "Image Manifest Version 2, Schema 2". */
export function tinyImage(): Image {
  const tar = tarOf('hello.txt', Buffer.from(GREETING));
  const layer = blobOf(`${DOCKER}.image.rootfs.diff.tar.gzip`, storedGzip(tar));
  const config = jsonBlob(`${DOCKER}.container.image.v1+json`, {
    architecture: 'amd64',
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    history: [{ created: '1970-01-01T00:00:00Z', comment: 'fake Docker Hub of hublease' }],
  });
  const manifest = jsonBlob(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptorOf(config),
    layers: [descriptorOf(layer)],
  });
  return { manifest, blobs: new Map([config, layer].map((blob) => [blob.digest, blob])) };
}

function jsonBlob(mediaType: string, value: object): Blob {
  return blobOf(mediaType, Buffer.from(JSON.stringify(value)));
}

function blobOf(mediaType: string, content: Buffer): Blob {
  return { content, digest: digestOf(content), mediaType };
}

function descriptorOf({ mediaType, content, digest }: Blob): object {
  return { mediaType, size: content.length, digest };
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** A gzip file with one stored block: what a compressor makes of the same bytes changes with its version. Source: RFC 1951, 1952. */
function storedGzip(content: Buffer): Buffer {
  // No time of change, and 255 for a system that is not told.
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  const block = Buffer.alloc(5);
  block[0] = 1;
  block.writeUInt16LE(content.length, 1);
  block.writeUInt16LE(~content.length & 0xffff, 3);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, block, content, trailer]);
}

/** A tar archive of one file. Source: POSIX.1-1988, "ustar". */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc(-content.length & (TAR_BLOCK_BYTES - 1));
  // Two empty blocks end an archive.
  return Buffer.concat([header, content, padding, Buffer.alloc(2 * TAR_BLOCK_BYTES)]);
}
