import type { Duration } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';

/** The retention of a log group that keeps for at least as long: CloudWatch Logs offers only some numbers of days. */
export function retentionOf(duration: Duration): logs.RetentionDays {
  const wantedDays = duration.toDays({ integral: false });
  const offered = Object.values(logs.RetentionDays).filter((days): days is number => typeof days === 'number');
  // The highest number stands for "never expires".
  return offered.sort((a, b) => a - b).find((days) => days >= wantedDays) ?? logs.RetentionDays.INFINITE;
}
