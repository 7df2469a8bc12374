import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** 1 January 1980, the first date that the format has. */
const DATE = 0x21;
const VERSION = 20;

/**
 * Packs the files of a folder into a zip without compression.
 * Source: PKWARE .ZIP File Format Specification 6.3, section 4.3.
 */
export function zipOf(folder: string): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const content = read(join(folder, name));
    if (content === undefined) continue;
    const shared = sharedHeader(name, content);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name)]);
    const central = Buffer.alloc(46 - 4 - 2 - shared.length);
    central.writeUInt32LE(offset, central.length - 4);
    const madeBy = Buffer.from([VERSION, 0]);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, shared, central, Buffer.from(name)]));
    parts.push(local, content);
    offset += local.length + content.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...parts, central, endOf(directory.length, central.length, offset)]);
}

/** The fields that a file has both in its local header and in the directory. */
function sharedHeader(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(VERSION, 0);
  header.writeUInt16LE(DATE, 8);
  header.writeUInt32LE(crc32(content), 10);
  header.writeUInt32LE(content.length, 14);
  header.writeUInt32LE(content.length, 18);
  header.writeUInt16LE(Buffer.byteLength(name), 22);
  return header;
}

function endOf(fileCount: number, directoryBytes: number, directoryOffset: number): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(fileCount, 8);
  end.writeUInt16LE(fileCount, 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(directoryOffset, 16);
  return end;
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    // A folder. Its files are in the list, too.
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
    throw error;
  }
}
