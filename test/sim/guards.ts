import { registerHooks } from 'node:module';
import type { Ablation } from './ablation.ts';

/** A guard that stands in the middle of a function of core, where no port reaches. */
interface Guard {
  readonly file: string;
  /** Must occur exactly once: a guard that has moved is to be found again, not silently left in. */
  readonly anchor: string;
  readonly without: string;
}

/** A guard may stand in more than one place. */
const GUARDS: Partial<Record<Ablation, readonly Guard[]>> = {
  label_lookup: [
    {
      file: 'functions/core/ending/absence.ts',
      anchor:
        'return listing.tokens.filter((token) => readLabel(ports.labels, token.label, lease.hubAccount) === lease.id);',
      without: 'return [];',
    },
  ],
  second_listing: [
    {
      file: 'functions/core/ending/evidence.ts',
      anchor: "const second = await listAll(ports, target, place, 'revoke');",
      without: 'const second = first;',
    },
    {
      file: 'functions/core/sweeping/refused-creates.ts',
      anchor: "const second = await listAll(ports, target, placeOf(one), 'revoke', mayGoOn);",
      without: 'const second = first;',
    },
  ],
  reported_expiry: [
    {
      file: 'functions/core/ending/evidence.ts',
      anchor:
        'const hubExpiresAtMs = reportedExpiresAtMs === undefined ? lease.hubReportedExpiresAtMs : reportedExpiresAtMs;',
      without: 'const { hubExpiresAtMs } = lease;',
    },
  ],
  label_echo: [
    {
      file: 'functions/core/leases/echo.ts',
      anchor: 'if (created.label !== intent.hubLabel) {',
      without: 'if (false) {',
    },
  ],
  suspects: [
    {
      file: 'functions/core/ending/absence.ts',
      anchor: "if (blockedBy !== undefined) return { tag: 'unproven', code: 'unclear_token', blockedBy };",
      without: '',
    },
  ],
  list_confirmation: [
    {
      file: 'functions/core/ending/removal.ts',
      anchor: 'return confirmByList(ports, target, place, deleted);',
      without: "return { gone: true, httpStatus, confirmedBy: 'gone' };",
    },
  ],
  listed_by: [
    {
      file: 'functions/core/ending/removal.ts',
      anchor: 'if (startedAtMs < retryAtMs) return',
      without: 'if (false) return',
    },
  ],
  delete_status: [
    {
      file: 'functions/core/ending/removal.ts',
      anchor: 'if (httpStatus === GONE_STATUS) return',
      without: 'if (true) return',
    },
  ],
  list_lag: [
    {
      file: 'functions/core/ending/absence.ts',
      anchor:
        'return Math.max(isKnown ? limits.quietMs : MAX_LIST_LAG_MS, LAG_FACTOR * Math.max(measuredMs, listLagsBeyondMs));',
      without: 'return limits.quietMs;',
    },
  ],
  lag_measured: [
    {
      file: 'functions/core/ending/absence.ts',
      anchor: 'const isKnown = measuredMs >= listLagsBeyondMs;',
      without: 'const isKnown = measuredMs >= 0 || listLagsBeyondMs > 0;',
    },
  ],
  lag_doubt: [
    {
      file: 'functions/core/ending/absence.ts',
      anchor: 'if (!isLagInDoubt(await readFacts(ports, target.name))) return undefined;',
      without: 'if (true) return undefined;',
    },
  ],
  is_active: [
    {
      file: 'functions/core/sweeping/reconcile.ts',
      anchor: "listed forever, inactive.\n  if (!token.isActive) return 'covered';",
      without: '',
    },
    {
      file: 'functions/core/sweeping/reconcile.ts',
      anchor: "if (!reply.ok || !reply.value.isActive) return 'covered';",
      without: "if (!reply.ok) return 'covered';",
    },
  ],
  create_refused: [
    {
      file: 'functions/core/ending/give-up.ts',
      anchor: 'import { handToRevoker, refuseCreate } from',
      without: 'import { conclude, handToRevoker, refuseCreate } from',
    },
    {
      file: 'functions/core/ending/give-up.ts',
      anchor: 'refuseCreate(intent, ports.ids.opId(), { nowMs, dueAtMs: nowMs + LEFT_TO_SWEEP_MS });',
      without: `conclude(intent, ports.ids.opId(), {
    evidence: { kind: 'absent', atMs: nowMs },
    reason: 'mint_failed',
    nowMs,
    ttlAtMs: nowMs + ports.limits.auditRetentionMs,
    removedTokenIds: [],
  });`,
    },
  ],
  doubt_pause: [
    {
      file: 'functions/core/hub/login-pauses.ts',
      anchor: 'return isProven && refusals === 0 ? DOUBT_PAUSE_MS : BREAKER_MS;',
      without: 'return isProven && refusals === 0 ? 0 : BREAKER_MS;',
    },
  ],
  doubt_once: [
    {
      file: 'functions/core/hub/login-pauses.ts',
      anchor: 'return isProven && refusals === 0 ? DOUBT_PAUSE_MS : BREAKER_MS;',
      without: 'return isProven ? DOUBT_PAUSE_MS : BREAKER_MS;',
    },
  ],
  edge_pause: [
    {
      file: 'functions/core/hub/login-pauses.ts',
      anchor: "if (problem.tag !== 'fault') return {};",
      without: 'if (true) return {};',
    },
  ],
};

/** Whether a guard can only be taken away in core's source. */
export function isInSource(ablation: Ablation): boolean {
  return GUARDS[ablation] !== undefined;
}

/**
 * Loads core without a guard from now on, in this thread. Core must not have been loaded before.
 *
 * @throws Error when the source no longer reads as expected, at the import that meets it.
 */
export function removeFromSource(ablation: Ablation): void {
  const guards = GUARDS[ablation];
  if (guards === undefined) throw new Error(`${ablation} does not stand in core's source`);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const here = guards.filter(({ file }) => url.endsWith(`/${file}`));
      if (here.length === 0) return loaded;
      return { ...loaded, source: here.reduce(withoutGuard, String(loaded.source)) };
    },
  });
}

/** The source without a guard. @throws Error when the guard is not where it was. */
export function withoutGuard(source: string, { file, anchor, without }: Guard): string {
  if (source.split(anchor).length === 2) return source.replace(anchor, () => without);
  throw new Error(`${file} does not hold, once, what is to be taken away: ${anchor}`);
}
