// The commands, in the order of the help.

import type { Command } from '../command.ts';
import { backtest } from './backtest.ts';
import { check } from './check.ts';
import { run } from './run.ts';
import { test } from './test.ts';
import { topology } from './topology.ts';

export const COMMANDS: readonly Command[] = [run, check, test, backtest, topology];
