import { Annotations, CustomResource, Duration, Lazy, RemovalPolicy, Stack, Token, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { LeaseApi } from './api.ts';
import { ConsumerRole } from './consumer-role.ts';
import { type FunctionOptions, functionLogGroup, functionRole, type HubleaseFunction } from './function.ts';
import { grantLeases } from './grants.ts';
import { serviceHostsIn } from './service-hosts.ts';
import { acknowledgeWildcard } from './wildcards.ts';

/** A Docker Hub account to mint tokens from, whose credential its owner keeps in Secrets Manager. */
export interface TargetProps {
  /**
   * Holds `{"username", "password", "totpSecret"?}`. hublease reads it and never changes it, so a new password put there is
   * taken up within a minute.
   */
  // CDK's own `Secret` is no `ISecret` to a project that tells missing from undefined.
  readonly credential: secretsmanager.ISecret | secretsmanager.Secret;
  /**
   * The customer key that the credential's secret is encrypted under, where the secret was imported and does not tell. The functions
   * may then decrypt with it, through Secrets Manager. A key of another account must let this account do so.
   * @default the secret's own, or the key that AWS manages for Secrets Manager
   */
  readonly credentialKey?: kms.IKey;
  readonly kind: 'user' | 'org';
  /** Docker Hub organization, of a target of kind `org`. @default the target's name */
  readonly organization?: string;
  /** Which of Docker Hub's login routes to take. @default the one that suits the credential */
  readonly loginRoute?: 'auth-token' | 'users-login';
  /**
   * Accept tokens whose expiry Docker Hub drops, moves by more than a day, or does not show. A token whose delete fails may then
   * live on. @default false
   */
  readonly allowUnprovenExpiry?: boolean;
  /** Prove the credential by a real login at deployment, which fails if Docker Hub refuses it. @default true */
  readonly verify?: boolean;
  readonly description?: string;
}

/** Personal access tokens' scopes, narrowest first; each includes those before it. */
export type TokenScope = 'repo:public_read' | 'repo:read' | 'repo:write' | 'repo:admin';

/** What an organization access token may reach. */
export interface TokenResource {
  readonly type: 'TYPE_REPO' | 'TYPE_ORG';
  /** `ORG/REPOSITORY`, `ORG/*`, or an organization. */
  readonly path: string;
  /** Such as `scope-image-pull`. */
  readonly scopes: readonly string[];
}

/** One role, by its ARN without a path and its unique id `AROA…`, such as `role.roleArn` and `role.roleId`. */
export interface PinnedRole {
  readonly role: string;
  readonly id: string;
}

/** A named recipe for tokens. Exactly one of `scope` and `resources` is given. */
export interface DynamicSecretProps {
  /** A target of this stack, or the name of one that is kept through the API. */
  readonly target: TargetRef | string;
  /** The most that a token may do, on a target of kind `user`. */
  readonly scope?: TokenScope;
  /** The most that a token may reach, on a target of kind `org`. */
  readonly resources?: readonly TokenResource[];
  /** @default the installation's */
  readonly defaultTtl?: Duration;
  /** @default the installation's */
  readonly maxTtl?: Duration;
  /** @default false */
  readonly renewable?: boolean;
  /** Most open leases at a time. @default no limit */
  readonly maxActive?: number;
  /** Most leases in a minute over time, and at once after a quiet minute. @default no limit */
  readonly maxMintsPerMinute?: number;
  /**
   * Who may lease: role ARNs without a path, account roots, or one role by its unique id, which a role that is deleted and made
   * again does not have. A `*` in a role's name stands for anything, and so for roles that are made later: synth warns of it.
   * `grantLease` adds the roles it is given, by ARN. @default only those
   */
  readonly allow?: readonly (string | PinnedRole)[];
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** @default false */
  readonly deleteProtection?: boolean;
}

/** A target that this stack keeps. */
export class TargetRef {
  readonly name: string;
  readonly kind: 'user' | 'org';
  /** Entries that name the target come after it. */
  readonly resource: CustomResource;

  /** @internal Made by `Hublease.addTarget`. */
  constructor(name: string, kind: 'user' | 'org', resource: CustomResource) {
    this.name = name;
    this.kind = kind;
    this.resource = resource;
  }
}

/** A dynamic secret that this stack keeps. */
export class DynamicSecretRef {
  readonly name: string;
  readonly #api: LeaseApi;
  readonly #resource: Construct;
  readonly #allow: Set<string | PinnedRole>;

  /** @internal Made by `Hublease.addDynamicSecret`. */
  constructor(name: string, api: LeaseApi, resource: Construct, allow: Set<string | PinnedRole>) {
    this.name = name;
    this.#api = api;
    this.#resource = resource;
    this.#allow = allow;
  }

  /**
   * Lets a role lease from this secret and look after its own leases: lists it in the secret, and lets it call the API. For
   * a role of another account that takes a statement over there too, which is then shown as a warning at synth.
   */
  grantLease(role: iam.IRole): iam.Grant {
    this.#list(role);
    return grantLeases(this.#api, role, this.name);
  }

  /** A role's path is not seen in a signed request, so that the listed ARN has none. */
  #list(role: iam.IRole): void {
    if (role instanceof ConsumerRole) {
      this.#allow.add(role.allowEntry);
      return;
    }
    const isNamedHere = !Token.isUnresolved(role.roleName) || Stack.of(role) === Stack.of(this.#resource);
    if (isNamedHere) {
      this.#allow.add(`arn:${Stack.of(role).partition}:iam::${role.env.account}:role/${role.roleName}`);
      return;
    }
    // Its stack already needs the API's id from this one; the other way round too would be a cycle.
    Annotations.of(this.#resource).addWarningV2(
      `hublease:allow:${role.node.path}`,
      `${role.node.path} is a role of another stack, whose name is not known here: give the role a name, or list it in "allow" of the dynamic secret "${this.name}".`,
    );
  }
}

/** Time for one login and one write, with the tries that each may take. */
export const CATALOG_TIMEOUT = Duration.minutes(1);
/** CloudFormation waits an hour unless told otherwise. */
const CUSTOM_RESOURCE_TIMEOUT = Duration.minutes(5);
const RESOURCE_TYPE = 'Custom::HubleaseCatalogEntry';
/** As the API has them. A name becomes part of IAM resources, where a `*` would mean more than it says. */
const NAME = /^[a-z0-9][a-z0-9-]{0,31}(?:\/[a-z0-9][a-z0-9-]{0,31}){0,3}$/;

/** Keeps targets and secrets in step with the catalog, by a custom resource that runs the same rules as the admin routes. */
export class CatalogEntries extends Construct {
  readonly #provider: cr.Provider;
  readonly #role: iam.Role;

  constructor(scope: Construct, id: string, handler: HubleaseFunction, options: FunctionOptions) {
    super(scope, id);
    const framework = new Construct(this, 'Framework');
    const logGroup = functionLogGroup(framework, options);
    const role = functionRole(framework, logGroup);
    this.#provider = new cr.Provider(this, 'Provider', {
      onEventHandler: handler.lambda,
      frameworkOnEventRole: role,
      logGroup,
    });
    acknowledgeWildcard(
      role,
      `${handler.lambda.functionArn}:*`,
      "CDK's provider framework may call any version of this one function.",
    );
    this.#role = handler.role;
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-L1',
      reason: "The runtime of CDK's own provider framework is for CDK to choose.",
    });
  }

  /** @param readers functions that log in with the credential. */
  addTarget(name: string, props: TargetProps, readers: readonly HubleaseFunction[]): TargetRef {
    checkName('target', name);
    if (props.kind === 'user' && props.organization !== undefined) {
      throw new Error(`target "${name}": expected organization only with kind "org", got "${props.organization}"`);
    }
    checkCredentialKey(name, props, Stack.of(this).account);
    for (const reader of readers) letRead(reader, props);
    const { kind, loginRoute, allowUnprovenExpiry, description } = props;
    const resource = this.#entry(`target ${name}`, {
      entry: 'target',
      name,
      kind,
      credentialArn: props.credential.secretFullArn ?? props.credential.secretArn,
      verify: String(props.verify ?? true),
      ...(kind === 'org' && { organization: props.organization ?? name }),
      ...(loginRoute !== undefined && { loginRoute }),
      ...(allowUnprovenExpiry === true && { allowUnprovenExpiry: 'true' }),
      ...(description !== undefined && { description }),
    });
    return new TargetRef(name, kind, resource);
  }

  /** @param defaults limits of a secret that names none. */
  addDynamicSecret(
    name: string,
    props: DynamicSecretProps,
    defaults: { readonly defaultTtl: Duration; readonly maxTtl: Duration },
    api: LeaseApi,
  ): DynamicSecretRef {
    checkName('dynamic secret', name);
    checkReach(name, props);
    const { target, defaultTtl, maxTtl, allow: listed = [], ...rest } = props;
    const allow = new Set<string | PinnedRole>(listed);
    const maxTtlSeconds = (maxTtl ?? defaults.maxTtl).toSeconds();
    const defaultTtlSeconds = defaultTtl?.toSeconds() ?? Math.min(defaults.defaultTtl.toSeconds(), maxTtlSeconds);
    const stack = Stack.of(this);
    const resource = this.#entry(`secret ${name}`, {
      entry: 'secret',
      name,
      // Roles may still be granted after this.
      body: Lazy.string({
        produce: () =>
          stack.toJsonString({
            target: typeof target === 'string' ? target : target.name,
            ...rest,
            defaultTtl: defaultTtlSeconds,
            maxTtl: maxTtlSeconds,
            allow: [...allow],
          }),
      }),
    });
    if (typeof target !== 'string') resource.node.addDependency(target.resource);
    warnOfPatterns(resource, name, listed);
    resource.node.addValidation({
      validate: () =>
        allow.size > 0 ? [] : [`dynamic secret "${name}" allows nobody: give "allow", or grantLease to a role`],
    });
    return new DynamicSecretRef(name, api, resource, allow);
  }

  #entry(id: string, properties: Record<string, unknown>): CustomResource {
    const resource = new CustomResource(this, id.replaceAll('/', '.'), {
      serviceToken: this.#provider.serviceToken,
      serviceTimeout: CUSTOM_RESOURCE_TIMEOUT,
      resourceType: RESOURCE_TYPE,
      // Deleting an entry lets its leases run out and never waits for them.
      removalPolicy: RemovalPolicy.DESTROY,
      properties,
    });
    resource.node.addDependency(this.#role);
    return resource;
  }
}

function checkName(what: string, name: string): void {
  if (NAME.test(name)) return;
  throw new Error(
    `${what}: expected a name of 1 to 4 segments joined by "/", each 1 to 32 of a-z, 0-9 and "-", got "${name}"`,
  );
}

/** A role's name may be a token, which holds no `*` of its own. */
function warnOfPatterns(resource: Construct, name: string, allow: readonly (string | PinnedRole)[]): void {
  for (const entry of allow) {
    if (typeof entry !== 'string' || !entry.includes('*')) continue;
    Annotations.of(resource).addWarningV2(
      `hublease:allow-pattern:${name}:${entry}`,
      `dynamic secret "${name}" allows ${entry}, which also lists roles that are made later: list each role by its full name.`,
    );
  }
}

/** @throws Error where the secret can be read by nobody here, or the key is not its own. */
function checkCredentialKey(name: string, { credential, credentialKey }: TargetProps, ownAccount: string): void {
  const ownKey = credential.encryptionKey;
  if (credentialKey !== undefined && ownKey !== undefined && ownKey.keyArn !== credentialKey.keyArn) {
    throw new Error(
      `target "${name}": expected credentialKey to be the key of its credential, ${ownKey.keyArn}, got ${credentialKey.keyArn}`,
    );
  }
  const { account } = credential.env;
  const isForeign = !Token.isUnresolved(account) && !Token.isUnresolved(ownAccount) && account !== ownAccount;
  if (isForeign && (credentialKey ?? ownKey) === undefined) {
    throw new Error(
      `target "${name}": its credential is a secret of account ${account}, which other accounts can read under a customer key only: give that key as credentialKey`,
    );
  }
}

/** A secret that was imported by its ARN does not tell its key, and reading it takes the right to decrypt. */
function letRead(reader: HubleaseFunction, { credential, credentialKey }: TargetProps): void {
  credential.grantRead(reader.role);
  if (credentialKey === undefined || credential.encryptionKey !== undefined) return;
  const { region } = Stack.of(reader);
  reader.allow(
    new iam.PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: [credentialKey.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': serviceHostsIn(region, 'secretsmanager') } },
    }),
  );
}

function checkReach(name: string, { target, scope, resources }: DynamicSecretProps): void {
  if ((scope === undefined) === (resources === undefined)) {
    throw new Error(`dynamic secret "${name}": expected exactly one of scope and resources`);
  }
  if (typeof target === 'string') return;
  const needed = target.kind === 'user' ? 'scope' : 'resources';
  if ((target.kind === 'user') !== (scope !== undefined)) {
    throw new Error(
      `dynamic secret "${name}": expected ${needed}, for "${target.name}" is a target of kind ${target.kind}`,
    );
  }
}
