import { readSettings } from '../env.ts';
import { revoker } from '../revoker.ts';
import { wireRevoking } from '../wiring/revoking.ts';

const wired = wireRevoking(readSettings('revoker', process.env));

export const handler = revoker(wired.ports, wired.redelivery, wired.meter, wired.log);
