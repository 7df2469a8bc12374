import { readFileSync } from 'node:fs';

/** The event loop's delay is looked at this often; what is told is the delay beyond that. */
export const DELAY_RESOLUTION_MS = 10;

/** One look at a running process, from inside of it. */
export interface Sample {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** Where all garbage had just been collected; absent in the other samples. */
  readonly live?: {
    readonly heapBytes: number;
    /** Buffers, and what native parts say of themselves. */
    readonly externalBytes: number;
  };
  /** How late timers were since the sample before. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  /** Processor time since the sample before, of all threads. */
  readonly cpuMs: number;
  /** How long its main thread had work since the sample before and no processor to do it; absent off Linux. */
  readonly waitedMs?: number;
  /** Open file descriptors; absent off Linux. */
  readonly fileHandles?: number;
  /** What keeps the process running, by kind: sockets, timers and so on. */
  readonly resources: Readonly<Record<string, number>>;
}

/** The samples of a file that `sampler.ts` writes. The last line may be cut off by the process's end and is then left out. */
export function readSamples(file: string): Sample[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Sample);
}

/**
 * Flags of Node with which a process samples itself into a file.
 *
 * @param collectEveryMs all garbage is collected this often: what stays is a leak, or none, and no guess from a saw's teeth.
 */
export function samplingFlags(file: string, everyMs: number, collectEveryMs: number): readonly string[] {
  const module = new URL('./sampler.ts', import.meta.url);
  const options = { file, everyMs: String(everyMs), collectEveryMs: String(collectEveryMs) };
  module.search = new URLSearchParams(options).toString();
  return ['--expose-gc', '--import', module.href];
}
