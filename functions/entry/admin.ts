import { admin } from '../admin.ts';
import { readSettings } from '../env.ts';
import { wireAdministering } from '../wiring/administering.ts';
import { lazyHttp } from '../wiring/lazy-http.ts';

const wired = wireAdministering(readSettings('admin', process.env));

export const handler = lazyHttp(wired, admin);
