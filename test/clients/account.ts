/** The fake Docker Hub's one user. */
export const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-fake' };
