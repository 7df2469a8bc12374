import { dynamodbSweepMark } from '../adapters/dynamodb-sweep-mark.ts';
import { readSettings } from '../env.ts';
import { sweeper } from '../sweeper.ts';
import { wireRevoking } from '../wiring/revoking.ts';

const settings = readSettings('sweeper', process.env);
const wired = wireRevoking(settings);
const mark = dynamodbSweepMark({ client: wired.dynamodb, tableName: settings.catalogTable });

export const handler = sweeper(wired.ports, mark, wired.meter, wired.log);
