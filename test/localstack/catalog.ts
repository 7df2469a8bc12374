import type { Installation } from './installation.ts';
export function catalogTests(_: () => Installation): void {}
