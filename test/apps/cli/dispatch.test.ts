import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineCommand } from '../../../apps/cli/command.ts';
import { COMMANDS } from '../../../apps/cli/commands/index.ts';
import { commandHelp, overview } from '../../../apps/cli/help.ts';
import { RetryableError } from '../../../lib/errors.ts';
import { run } from './kit.ts';

const greet = defineCommand({
  name: 'greet',
  summary: 'Greets',
  usage: 'NAME [--loud]',
  options: {
    loud: { type: 'boolean', short: 'l', description: 'In capitals' },
    times: { type: 'string', value: 'N', description: 'How often' },
  },
  run: async ({ values, positionals }, io) => {
    if (positionals[0] === 'bug') throw new TypeError('undefined is not a person');
    if (positionals[0] === 'nobody') {
      throw new RetryableError('TRG_LOG_FULL', 'no room', {}, new Error('disk', { cause: new Error('ENOSPC') }));
    }
    io.stdout.write(`${values.loud === true ? 'HELLO' : 'hello'} ${positionals.join()} ${values.times ?? ''}\n`);
    return 0;
  },
});

const ran = (...words: string[]) => run(words, [greet], '/');

test('a command gets its options and positionals, and its exit code is passed on', async () => {
  assert.deepEqual(await ran('greet', '-l', 'ann', '--times', '2'), { code: 0, out: 'HELLO ann 2\n', err: '' });
});

test('no command shows the list and is wrong usage', async () => {
  const { code, out, err } = await ran();
  assert.equal(code, 2);
  assert.equal(out, '');
  assert.match(err, /greet {2}Greets/);
});

test('help is asked for in three ways and is no failure', async () => {
  const { out } = await ran('greet', '--help');
  assert.match(out, /Usage: tripline greet NAME \[--loud\]\n/);
  assert.match(out, /-l, --loud {5}In capitals/);
  assert.match(out, /--times N {2}How often/);
  assert.deepEqual(await ran('help', 'greet'), { code: 0, out, err: '' });
  assert.equal((await ran('--help')).code, 0);
});

test('no text of help is wider than a terminal of 80 columns', async () => {
  const texts = [overview(COMMANDS), ...COMMANDS.map(commandHelp)];
  const wide = texts.flatMap((text) => text.split('\n')).filter((line) => line.length > 80);
  assert.deepEqual(wide, []);
  assert.match(texts[0]!, /\n {2}init {8}Makes a project .*\n {14}\S/);
});

test('an unknown command is wrong usage, with what was meant', async () => {
  assert.deepEqual(await ran('great'), {
    code: 2,
    out: '',
    err: 'tripline: TRG_USAGE there is no command "great"\n  did you mean "greet"?\n',
  });
});

test('an unknown option is wrong usage, with what was meant', async () => {
  const { code, err } = await ran('greet', '--lout');
  assert.equal(code, 2);
  assert.match(err, /^tripline: TRG_USAGE greet: Unknown option '--lout'\n {2}did you mean "--loud"\?\n$/);
});

test('an error of the engine is one line with its causes, and a hint', async () => {
  const { code, err } = await ran('greet', 'nobody');
  assert.equal(code, 1);
  assert.match(err, /^tripline: TRG_LOG_FULL no room: disk: ENOSPC\n {2}make room on the disk .*\n$/);
});

test('an unexpected error shows its stack', async () => {
  const { code, err } = await ran('greet', 'bug');
  assert.equal(code, 1);
  assert.match(err, /TypeError: undefined is not a person\n\s+at /);
});
