// The commands, in the order of the help.

import type { Command } from '../command.ts';
import { check } from './check.ts';

export const COMMANDS: readonly Command[] = [check];
