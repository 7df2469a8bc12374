import type { Target } from '../../core/model/target.ts';
import type { Catalog } from '../../core/ports/catalog.ts';

/** A target's row, which also names its secret. */
type NamedTarget = Target & { readonly secretName?: string };

/** The part of a target's row that says where its credential is. */
export interface CredentialPlace {
  /** ARN of a secret that its owner keeps. */
  readonly credentialRef?: string;
  /** Full name of a secret of hublease; absent in rows that were last written before names were recorded. */
  readonly secretName?: string;
}

/** The place of a target's credential according to its row; undefined without a row. */
export async function credentialPlaceOf(
  catalog: Pick<Catalog, 'getTarget'>,
  name: string,
): Promise<CredentialPlace | undefined> {
  return (await catalog.getTarget(name)) as NamedTarget | undefined;
}

/**
 * Records the full name of a target's secret whenever the target is written. Names contain the id of the installation's key,
 * which may change later. The name is only for lookups. Readers of a target do not see it.
 *
 * @param locate finds the target's secret; undefined if there is none. If it fails, the target is written without a name, and
 *   lookups try all possible names.
 */
export function catalogWithSecretNames(
  catalog: Catalog,
  locate: (target: string) => Promise<string | undefined>,
): Catalog {
  return {
    ...catalog,
    getTarget: async (name) => withoutName(await catalog.getTarget(name)),
    listTargets: async (filter, page) => {
      const { items, ...rest } = await catalog.listTargets(filter, page);
      return { ...rest, items: items.map((item) => withoutName(item) as Target) };
    },
    putTarget: async (target) => {
      if (target.credentialRef !== undefined) return catalog.putTarget(target);
      const secretName = await locate(target.name).catch(() => undefined);
      const named: NamedTarget = { ...target, ...(secretName !== undefined && { secretName }) };
      return catalog.putTarget(named);
    },
  };
}

function withoutName(stored: Target | undefined): Target | undefined {
  if (stored === undefined) return undefined;
  const { secretName, ...target } = stored as NamedTarget;
  return target;
}
