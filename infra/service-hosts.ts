/** AWS' documents name services for `kms:ViaService` with either one in China's regions. Elsewhere the second matches nothing. */
const HOST_SUFFIXES = ['amazonaws.com', 'amazonaws.com.cn'];

/** How `kms:ViaService` spells services of a region. */
export function serviceHostsIn(region: string, ...services: readonly string[]): string[] {
  return services.flatMap((service) => HOST_SUFFIXES.map((suffix) => `${service}.${region}.${suffix}`));
}
