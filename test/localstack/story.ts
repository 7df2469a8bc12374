import type { Installation } from './installation.ts';
export function storyTests(_: () => Installation): void {}
