import { broker } from '../broker.ts';
import { readSettings } from '../env.ts';
import { lazyHttp } from '../wiring/lazy-http.ts';
import { wireMinting } from '../wiring/minting.ts';

const wired = wireMinting(readSettings('broker', process.env));

export const handler = lazyHttp(wired, broker);
