import { isUnder } from '../../../functions/core/model/name.ts';
import type { DynamicSecret } from '../../../functions/core/model/secret.ts';
import type { Credential, Target } from '../../../functions/core/model/target.ts';
import type { WriteOutcome } from '../../../functions/core/ports/leases.ts';
import type { Page, PageRequest } from '../../../functions/core/ports/pages.ts';
import type { SessionRecord } from '../../../functions/core/ports/sessions.ts';
import type { Watch } from '../invariants.ts';
import { pageOf } from './leases.ts';

interface Versioned {
  readonly version: number;
  readonly opId: string;
}

/** Rows by name that are replaced version by version. */
class Rows<T extends Versioned> {
  readonly #rows = new Map<string, T>();
  readonly #knowsItsOwn: boolean;

  constructor(knowsItsOwn: boolean) {
    this.#knowsItsOwn = knowsItsOwn;
  }

  get(name: string): T | undefined {
    return this.#rows.get(name);
  }

  put(name: string, next: T): WriteOutcome {
    const row = this.#rows.get(name);
    if ((row?.version ?? 0) === next.version - 1) {
      this.#rows.set(name, next);
      return 'written';
    }
    return this.#knowsItsOwn && row?.opId === next.opId ? 'written' : 'conflict';
  }

  delete(name: string, version: number): WriteOutcome {
    const row = this.#rows.get(name);
    if (row === undefined) return 'written';
    if (row.version !== version) return 'conflict';
    this.#rows.delete(name);
    return 'written';
  }

  remove(name: string): void {
    this.#rows.delete(name);
  }

  byName(): readonly T[] {
    return [...this.#rows.keys()].sort().map((name) => this.#rows.get(name) as T);
  }
}

/** Targets and secrets. */
export class SimCatalog {
  readonly secrets: Rows<DynamicSecret>;
  readonly targets: Rows<Target>;
  readonly #watch: Watch;

  constructor(watch: Watch, knowsItsOwn: boolean) {
    this.#watch = watch;
    this.secrets = new Rows(knowsItsOwn);
    this.targets = new Rows(knowsItsOwn);
  }

  putSecret(secret: DynamicSecret): WriteOutcome {
    this.#watch.scan(secret, `the row of secret ${secret.name}`);
    return this.secrets.put(secret.name, secret);
  }

  putTarget(target: Target): WriteOutcome {
    this.#watch.scan(target, `the row of target ${target.name}`);
    return this.targets.put(target.name, target);
  }

  listSecrets(filter: { readonly prefix?: string; readonly target?: string }, page: PageRequest): Page<DynamicSecret> {
    const { prefix, target } = filter;
    const rows = this.secrets
      .byName()
      .filter((row) => prefix === undefined || isUnder(row.name, prefix))
      .filter((row) => target === undefined || row.target === target);
    return pageOf(rows, page);
  }

  listTargets(filter: { readonly prefix?: string }, page: PageRequest): Page<Target> {
    const { prefix } = filter;
    return pageOf(
      this.targets.byName().filter((row) => prefix === undefined || isUnder(row.name, prefix)),
      page,
    );
  }
}

/** Docker Hub sessions, shared by all actors of an installation. */
export class SimSessions {
  readonly #rows: Rows<SessionRecord>;
  readonly #watch: Watch;

  constructor(watch: Watch, knowsItsOwn: boolean) {
    this.#watch = watch;
    this.#rows = new Rows(knowsItsOwn);
  }

  read(target: string): SessionRecord | undefined {
    return this.#rows.get(target);
  }

  write(record: SessionRecord): WriteOutcome {
    this.#watch.scan(record, `the session of ${record.target}`);
    return this.#rows.put(record.target, record);
  }

  remove(target: string): void {
    this.#rows.remove(target);
  }
}

/** Credentials by target: every version that was stored, and which is current. */
export class SimCredentials {
  readonly #versions = new Map<string, Map<string, Credential>>();
  readonly #current = new Map<string, string>();
  #made = 0;

  read(target: string): { readonly credential: Credential; readonly version: string } | undefined {
    const version = this.#current.get(target);
    const credential = version === undefined ? undefined : this.#versions.get(target)?.get(version);
    return version === undefined || credential === undefined ? undefined : { credential, version };
  }

  stage(target: string, credential: Credential): string {
    const version = `v${++this.#made}`;
    const versions = this.#versions.get(target) ?? new Map<string, Credential>();
    this.#versions.set(target, versions.set(version, credential));
    return version;
  }

  promote(target: string, version: string): void {
    if (this.#versions.get(target)?.has(version)) this.#current.set(target, version);
  }

  remove(target: string): void {
    this.#versions.delete(target);
    this.#current.delete(target);
  }
}

/** Seals by keeping the text back: a sealed text tells nothing and opens only with its context. */
export class SimSealer {
  readonly #kept: { readonly plain: string; readonly context: string }[] = [];

  seal(plain: string, context: string): string {
    return `sealed-${this.#kept.push({ plain, context }) - 1}`;
  }

  open(sealed: string, context: string): string {
    const kept = this.#kept[Number(sealed.slice('sealed-'.length))];
    if (kept === undefined || kept.context !== context) throw new Error('cannot be opened');
    return kept.plain;
  }
}
