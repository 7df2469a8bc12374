import { dynamodbSweepMark } from '../adapters/dynamodb/sweep-mark.ts';
import { readSettings } from '../env.ts';
import { sweeper } from '../sweeper.ts';
import { wireAdministering } from '../wiring/administering.ts';

const settings = readSettings('sweeper', process.env);
// With what creates tokens: the sweep verifies targets whose mints are refused.
const wired = wireAdministering(settings);
const mark = dynamodbSweepMark({ client: wired.dynamodb, tableName: settings.catalogTable });

export const handler = sweeper(wired.ports, mark, wired.meter, wired.log, wired.isKeyUsable);
