/**
 * A target's credential is where this installation was not told to look. TargetCredentials rejects with it; the failure that follows
 * names the setting that is missing.
 */
export class CredentialOutOfReach extends Error {
  readonly target: string;

  constructor(target: string) {
    super(`the secret of target ${target} is encrypted under a key that is not among the installation's`);
    this.name = 'CredentialOutOfReach';
    this.target = target;
  }
}
