import * as z from 'zod';
import type { VerificationStep } from '../../core/catalog/verify.ts';
import type { TargetState } from '../../core/hub/target-state.ts';
import type { Target, Verification } from '../../core/model/target.ts';
import { given } from '../given.ts';
import { Changed, Tags, Time, time } from './shared.ts';
import { StateAnswer, stateAnswer } from './state.ts';
import { STEP_TEXT, verificationWarnings } from './verification-words.ts';

export const VerificationAnswer = z.strictObject({
  at: Time,
  account: z.string(),
  loginRoute: z.enum(['auth-token', 'users-login']),
  expiryGranularity: z.enum(['second', 'minute', 'hour', 'day']).exactOptional(),
  expiryMinSeconds: z
    .int()
    .exactOptional()
    .meta({ description: 'Shortest life that Docker Hub accepts, where it refused a shorter one.' }),
  expirySlackSeconds: z
    .int()
    .exactOptional()
    .meta({ description: 'Docker Hub ends a token at most this much later than it is asked to.' }),
  expiryUnproven: z
    .literal(true)
    .exactOptional()
    .meta({ description: 'Docker Hub keeps no expiry that can be relied on, which `allowUnprovenExpiry` accepts.' }),
  labelMaxCharacters: z
    .int()
    .exactOptional()
    .meta({ description: 'Longest label that Docker Hub gave back unchanged.' }),
  deleteStatus: z.int().exactOptional(),
  listDelayMs: z.int().exactOptional(),
  rateRemaining: z.int().exactOptional(),
  warnings: z
    .array(z.string())
    .exactOptional()
    .meta({ description: 'In words: where this Docker Hub is less exact than its documentation, and what follows.' }),
});

const PendingAnswer = z.strictObject({
  step: z.enum(['login', 'read', 'list', 'delete']),
  detail: z.string().meta({ description: 'In words: what Docker Hub has yet to do, and what to do now.' }),
});

export const TargetSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['user', 'org']),
  username: z.string(),
  organization: z.string().exactOptional(),
  loginRoute: z.enum(['auth-token', 'users-login']),
  expiryGranularity: z.enum(['second', 'minute', 'hour', 'day']),
  description: z.string().exactOptional(),
  tags: Tags,
  maxActive: z.int().exactOptional(),
  allowUnprovenExpiry: z.boolean(),
  verification: z.union([VerificationAnswer, z.literal('pending')]).exactOptional(),
  verificationPending: PendingAnswer.exactOptional().meta({
    description: 'What a verification that is `pending` waits for.',
  }),
  dismissedTokenIds: z
    .array(z.string())
    .exactOptional()
    .meta({ description: 'Tokens of which an admin said that they are not of hublease: they block no lease.' }),
  state: StateAnswer.exactOptional(),
  status: z.enum(['ready', 'draining']),
  managedBy: z.enum(['api', 'cdk']),
  createdAt: Time,
  updatedAt: Time,
});

export const TargetAnswer = z.strictObject({ target: TargetSchema });
export const PutTargetAnswer = z.strictObject({ target: TargetSchema, changed: Changed });
export const DeletedTarget = z.strictObject({ target: TargetSchema, removed: z.boolean(), openLeases: z.int() });

/**
 * A target; its credential and the version of that are never part of it.
 *
 * @param shown.pending what its verification waits for, where one was asked for and ran out of time.
 * @param shown.state where one target is shown.
 */
export function targetAnswer(
  target: Target,
  shown: { readonly pending?: VerificationStep | undefined; readonly state?: TargetState } = {},
): z.output<typeof TargetSchema> {
  const { pending, state } = shown;
  const verification = target.verification && verificationAnswer(target.verification);
  return given({
    name: target.name,
    kind: target.kind,
    username: target.username,
    organization: target.organization,
    loginRoute: target.loginRoute,
    expiryGranularity: target.expiryGranularity,
    description: target.description,
    tags: { ...target.tags },
    maxActive: target.maxActive,
    allowUnprovenExpiry: target.allowUnprovenExpiry === true,
    verification: pending === undefined ? verification : ('pending' as const),
    verificationPending: pending && { step: pending, detail: STEP_TEXT[pending] },
    dismissedTokenIds: target.dismissedTokenIds && [...target.dismissedTokenIds],
    state: state && stateAnswer(state),
    status: target.status,
    managedBy: target.managedBy,
    createdAt: time(target.createdAtMs),
    updatedAt: time(target.updatedAtMs),
  });
}

function verificationAnswer(verification: Verification): z.output<typeof VerificationAnswer> {
  const { atMs, account, loginRoute, expiryGranularity, expiryMinSeconds, expirySlackSeconds } = verification;
  const { expiryUnproven, labelMaxCharacters, deleteStatus, listDelayMs, rateRemaining } = verification;
  const warnings = verificationWarnings(verification);
  return given({
    at: time(atMs),
    account,
    loginRoute,
    expiryGranularity,
    expiryMinSeconds,
    expirySlackSeconds,
    expiryUnproven,
    labelMaxCharacters,
    deleteStatus,
    listDelayMs: listDelayMs === undefined ? undefined : Math.round(listDelayMs),
    rateRemaining,
    warnings: warnings.length === 0 ? undefined : warnings,
  });
}
