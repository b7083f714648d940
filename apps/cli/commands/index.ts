// The commands, in the order of the help.

import type { Command } from '../command.ts';
import { backtest } from './backtest.ts';
import { channels } from './channels.ts';
import { check } from './check.ts';
import { consent } from './consent.ts';
import { decisions } from './decisions.ts';
import { deliveries } from './deliveries.ts';
import { demo } from './demo.ts';
import { dlq } from './dlq.ts';
import { events } from './events.ts';
import { explain } from './explain.ts';
import { flow } from './flow.ts';
import { flows } from './flows.ts';
import { init } from './init.ts';
import { keys } from './keys.ts';
import { log } from './log.ts';
import { preview } from './preview.ts';
import { ready } from './ready.ts';
import { reviews } from './reviews.ts';
import { rules } from './rules.ts';
import { run } from './run.ts';
import { state } from './state.ts';
import { test } from './test.ts';
import { topics } from './topics.ts';
import { topology } from './topology.ts';
import { verify } from './verify.ts';

export const COMMANDS: readonly Command[] = [
  demo,
  init,
  run,
  ready,
  check,
  test,
  preview,
  flow,
  backtest,
  decisions,
  deliveries,
  explain,
  flows,
  reviews,
  verify,
  consent,
  events,
  rules,
  topology,
  topics,
  state,
  channels,
  dlq,
  log,
  keys,
];
