// Plain JavaScript, so that the oldest Node can still read it and say what is missing.
const LEAST_MAJOR = 24;
if (Number(process.versions.node.split('.')[0]) < LEAST_MAJOR) {
  console.error(
    `hublease needs Node ${LEAST_MAJOR}, and this is ${process.version}. "npm ci" brings one on Linux and on Windows (x64): ` +
      `start through "npm start" or "npx". Elsewhere install Node ${LEAST_MAJOR} or newer.`,
  );
  process.exit(1);
}
