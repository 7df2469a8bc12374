/**
 * The keys under which clients look for Docker Hub: docker and docker-py the first, skopeo, buildah and podman the second.
 * Compared exactly, because `docker logout` also asks for `…/v1/refresh-token`.
 */
export const HUB_KEYS = ['https://index.docker.io/v1/', 'docker.io'] as const;

/** Docker's name for a helper. Its program is `docker-credential-` followed by this name. */
export const HELPER = 'hublease';
