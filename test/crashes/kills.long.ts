import { it } from 'vitest';
import { killUnderLoad } from './kills.ts';

it('killed at 200 random moments under load, it keeps what it keeps through 25', async () => {
  await killUnderLoad(200);
});
