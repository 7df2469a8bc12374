import { catalogResource } from '../catalog-resource.ts';
import { readSettings } from '../env.ts';
import { wireRevoking } from '../wiring/revoking.ts';

const wired = wireRevoking(readSettings('catalogResource', process.env));

export const handler = catalogResource(wired.ports, wired.credentials.readFrom);
