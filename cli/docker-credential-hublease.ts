#!/usr/bin/env node
import { credentialHelper } from './credential-helper.ts';
import { plainIo } from './io.ts';

// No top-level await: it is built as CommonJS too, which Node starts faster.
credentialHelper(process.argv[2], plainIo()).then((exitCode) => {
  process.exitCode = exitCode;
});
