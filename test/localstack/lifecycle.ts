import type { Installation } from './installation.ts';
export function lifecycleTests(_: () => Installation): void {}
