import { it } from 'vitest';
import { setClockUnderLoad } from './clock-jumps.ts';

it('with its clock set eighty times, it keeps what it keeps through four', () => setClockUnderLoad(20));
