#!/usr/bin/env node
import { plainIo } from './io.ts';
import { kubeletCredentials } from './kubelet-credentials.ts';

// No top-level await: it is built as CommonJS too, which Node starts faster.
kubeletCredentials(plainIo()).then((exitCode) => {
  process.exitCode = exitCode;
});
