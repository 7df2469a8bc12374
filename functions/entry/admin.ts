import { admin } from '../admin.ts';
import { readSettings } from '../env.ts';
import { lazyHttp } from '../wiring/lazy-http.ts';
import { wireRevoking } from '../wiring/revoking.ts';

const wired = wireRevoking(readSettings('admin', process.env));

export const handler = lazyHttp(wired, admin);
