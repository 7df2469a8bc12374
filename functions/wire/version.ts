/** The release, as in package.json. Docker Hub keeps it with every token, in the User-Agent that made it. */
export const VERSION = '0.1.0';
