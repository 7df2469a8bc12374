import type { Installation } from './installation.ts';
export function triggerTests(_: () => Installation): void {}
