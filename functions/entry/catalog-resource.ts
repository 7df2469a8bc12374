import { catalogResource } from '../catalog-resource.ts';
import { readSettings } from '../env.ts';
import { wireAdministering } from '../wiring/administering.ts';

const wired = wireAdministering(readSettings('catalogResource', process.env));

export const handler = catalogResource(wired.ports, wired.credentials.readFrom);
