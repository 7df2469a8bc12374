import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { METRICS, type MetricName, type MetricShape } from '../../functions/adapters/aws/metric-names.ts';
import { emfMeter } from '../../functions/adapters/aws/metrics.ts';

describe('the meter', () => {
  let lines: string[];
  beforeEach(() => {
    lines = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      lines.push(String(chunk));
      return true;
    });
  });
  afterEach(() => vi.restoreAllMocks());
  const written = () => lines.map((line) => JSON.parse(line));

  it('writes each value at once, as a total without dimensions', () => {
    emfMeter({ namespace: 'Hublease/prod' }).record('LeasesMinted', 1);
    expect(written()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            { Namespace: 'Hublease/prod', Dimensions: [[]], Metrics: [{ Name: 'LeasesMinted', Unit: 'Count' }] },
          ],
        },
        LeasesMinted: 1,
      },
    ]);
  });

  it('writes a metric with a breakdown both ways', () => {
    emfMeter({ namespace: 'Hublease/prod' }).record('LeasesRevoked', 1, { by: 'expired' });
    const [line] = written();
    expect(line._aws.CloudWatchMetrics[0].Dimensions).toEqual([[], ['Reason']]);
    expect(line).toMatchObject({ LeasesRevoked: 1, Reason: 'expired' });
  });

  it('keeps facts beside the value, where they cost no metric, and carries none over', () => {
    const meter = emfMeter({ namespace: 'Hublease/prod' });
    meter.record('HubErrors', 1, { by: 'nothing', facts: { target: 'acme', code: 'timeout' } });
    meter.record('HubErrors', 1);
    const [first, second] = written();
    expect(first).toMatchObject({ target: 'acme', code: 'timeout' });
    expect(first._aws.CloudWatchMetrics[0].Dimensions).toEqual([[]]);
    expect(Object.keys(second)).toEqual(['_aws', 'HubErrors']);
  });

  it('drops what is no finite number, and never throws', () => {
    const meter = emfMeter({ namespace: 'Hublease/prod' });
    meter.record('OverdueSeconds', Number.NaN);
    meter.record('OverdueSeconds', Number.POSITIVE_INFINITY);
    meter.record('OverdueSeconds', 1, { facts: { OverdueSeconds: 'a name of its own' } });
    meter.record('NoSuchMetric' as MetricName, 1);
    meter.record('OverdueSeconds', 2);
    expect(written().at(-1)).toMatchObject({ OverdueSeconds: 2 });
    expect(lines.join()).not.toContain('null');
  });

  it('takes every metric with its unit', () => {
    const meter = emfMeter({ namespace: 'Hublease/prod' });
    for (const name of Object.keys(METRICS) as MetricName[]) meter.record(name, 1);
    expect(written().map((line) => line._aws.CloudWatchMetrics[0].Metrics[0])).toEqual(
      Object.entries<MetricShape>(METRICS).map(([Name, { unit }]) => ({ Name, Unit: unit })),
    );
  });
});
