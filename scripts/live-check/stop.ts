/** Why no more questions are asked. What was made is deleted all the same. */
export type StopReason =
  | { readonly kind: 'interrupted' }
  /** The first 429, on whatever route. */
  | { readonly kind: 'throttled' }
  | { readonly kind: 'logins_refused' }
  /** No login route gives a session for this account. */
  | { readonly kind: 'no_session' }
  /** Several requests in a row had no answer. */
  | { readonly kind: 'no_answers' }
  /** Without the list nothing can be proven to be gone. */
  | { readonly kind: 'list_unusable' }
  /** A token outlived its DELETE, so no further one is made. */
  | { readonly kind: 'delete_fails' }
  | { readonly kind: 'error'; readonly message: string };

/** Ends the questions. */
export class Stopped extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`stopped: ${reason.kind}`);
    this.reason = reason;
  }
}

/** Ends the cleanup: somebody asked a second time to end, or nobody answers any more. */
export class CleanupGivenUp extends Error {}

/** The reason as a sentence. */
export function sayReason(reason: StopReason): string {
  switch (reason.kind) {
    case 'interrupted':
      return 'The run was interrupted.';
    case 'throttled':
      return 'Docker Hub answered 429, so no more questions were asked.';
    case 'logins_refused':
      return 'Docker Hub refused three logins, so no more questions were asked: more would lock the user name.';
    case 'no_session':
      return 'No login route gave a session for this account.';
    case 'no_answers':
      return 'Several requests in a row got no answer.';
    case 'list_unusable':
      return "The account's list of tokens cannot be read, so no token was made: nothing could prove that it is gone.";
    case 'delete_fails':
      return 'A token outlived its DELETE, so no more tokens were made.';
    case 'error':
      return `The live check failed: ${reason.message}`;
  }
}
