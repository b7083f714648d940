// `tripline demo`: the shop example, from events to delivered messages, with nothing to set up.

import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { IS_CLONE } from '../../../lib/package-folder.ts';
import { runDemo } from '../../demo/demo.ts';
import { defineCommand } from '../command.ts';

/** In a clone the example can be changed where it lies; from the package a project of one's own is made of it. */
const NEXT = IS_CLONE
  ? `
What to try next:
  bin/tripline test examples/shop/rules        run the rules' own tests
  bin/tripline check examples/shop             check rules and templates
  bin/tripline backtest --rules examples/shop/rules \\
      --events examples/shop/events.csv.gz --mapping examples/shop/map.yaml \\
      --out out --advance-to end
  Edit a rule in examples/shop/rules, and run the three again.
  bin/tripline demo --data data/demo
  TRIPLINE_DATA_DIR=$PWD/data/demo bin/tripline decisions \\
      -c examples/shop/tripline.yaml --rule cart-recovery
`
  : `
What to try next:
  npx tripline init my-shop --example shop     a project of your own, of this example
  cd my-shop
  npx tripline test rules                      run the rules' own tests
  npx tripline run                             the worker; messages are printed
`;

export const demo = defineCommand({
  name: 'demo',
  summary: 'Runs the shop example: events in, decisions, delivered messages',
  usage: '[--exit] [--data DIR]',
  options: {
    exit: { type: 'boolean', description: 'Exit after the summary, also on a terminal' },
    data: { type: 'string', value: 'DIR', description: 'Keep the log and state here; default: a temporary folder' },
  },
  run: async ({ values }, io) => {
    const stays = io.isTerminal && values.exit !== true;
    const write = (line: string): void => {
      io.stdout.write(`${line}\n`);
    };
    let done = false;
    await runDemo(
      {
        clock: systemClock,
        write,
        dataDir: values.data === undefined ? null : resolve(io.folder, values.data),
      },
      io.signal,
      async ({ events, fired, suppressed, delivered }) => {
        done = true;
        write(NEXT);
        write(`demo: ${events} events, ${fired} fired, ${suppressed} suppressed, ${delivered} delivered`);
        if (!stays) return;
        write('Still running: Ctrl-C ends it.');
        await new Promise<void>((end) => io.signal.addEventListener('abort', () => end(), { once: true }));
      },
    );
    return done ? 0 : 1;
  },
});
