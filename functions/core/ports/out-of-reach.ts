/**
 * A target's credential is in a place that is missing in this installation's settings. TargetCredentials rejects with this error.
 * The resulting failure names the missing setting.
 */
export class CredentialOutOfReach extends Error {
  readonly target: string;

  constructor(target: string) {
    super(`the secret of target ${target} is encrypted under a key that is not among the installation's`);
    this.name = 'CredentialOutOfReach';
    this.target = target;
  }
}
