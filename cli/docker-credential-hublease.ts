#!/usr/bin/env node
import { credentialHelper } from './credential-helper.ts';
import { processIo } from './io.ts';

process.exitCode = await credentialHelper(process.argv[2], processIo());
