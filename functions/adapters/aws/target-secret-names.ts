import type { Target } from '../../core/model/target.ts';
import type { Catalog } from '../../core/ports/catalog.ts';

/** A target as its row has it. */
type NamedTarget = Target & { readonly secretName?: string };

/** What a target's row says of where its credential is. */
export interface CredentialPlace {
  /** ARN of a secret that its owner keeps. */
  readonly credentialRef?: string;
  /** Full name of a secret of ours; absent in rows that were last written before names were recorded. */
  readonly secretName?: string;
}

/** A target's row, as far as it says where the credential is; undefined without one. */
export async function credentialPlaceOf(
  catalog: Pick<Catalog, 'getTarget'>,
  name: string,
): Promise<CredentialPlace | undefined> {
  return (await catalog.getTarget(name)) as NamedTarget | undefined;
}

/**
 * Records with each target that is written the full name of its secret. Names hold the id of the installation's key, which may change
 * after that. The name is for lookups alone: whoever reads a target does not see it.
 *
 * @param locate finds the target's secret; undefined where there is none. When it fails, the target is written without a name, and
 *   lookups try every name that there may be.
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
