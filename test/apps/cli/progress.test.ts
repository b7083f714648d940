import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { backtest } from '../../../apps/cli/commands/backtest.ts';
import { runCommandLine } from '../../../apps/cli/dispatch.ts';
import { Progress } from '../../../apps/cli/progress.ts';
import { FileSource } from '../../../services/backtest/file-source.ts';
import { BacktestInput, type InputProgress } from '../../../services/backtest/input.ts';
import { FAKE_START, FakeClock } from '../../../testing/fake-clock.ts';
import { folderWith } from './kit.ts';

class FakeStream {
  readonly isTTY: boolean;
  readonly columns = 80;
  text = '';

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  /** What stood in the line, one drawing after the other. */
  get drawings(): string[] {
    return this.text.split(TO_START).map((drawing) => stripVTControlCharacters(drawing));
  }
}

/** What a terminal is told: to go to the start of the line, and to clear it. */
const TO_START = '\u001b[1G';
const CLEAR = '\u001b[2K';

test('on a terminal there is a bar with percentage, lines, rate and remaining time, and nothing is left of it (P1)', async () => {
  const stream = new FakeStream(true);
  const clock = new FakeClock();
  const progress = new Progress(stream, clock);
  progress.report({ what: 'reading', done: 0, total: 4_000_000, lines: 0 });
  await clock.advance(20_000);
  progress.report({ what: 'reading', done: 1_000_000, total: 4_000_000, lines: 1_234_560 });
  progress.end();
  assert.equal(stream.drawings.at(-2), 'reading ████░░░░░░░░░░░░ 25 %  1,234,560 lines, 61,728/s, 1m left');
  assert.ok(stream.text.endsWith(TO_START + CLEAR));
  assert.doesNotMatch(stream.text, /\n/);
  const { length } = stream.text;
  progress.end();
  assert.equal(stream.text.length, length);
});

test('another part of the work has a bar of its own, and its own rate', async () => {
  const stream = new FakeStream(true);
  const clock = new FakeClock();
  const progress = new Progress(stream, clock);
  progress.report({ what: 'sorting', done: 10, total: 10, lines: 100 });
  await clock.advance(1_000_000);
  progress.report({ what: 'replaying', done: 0, total: 200, lines: 0 });
  await clock.advance(7_200_000);
  progress.report({ what: 'replaying', done: 50, total: 200, lines: 50 });
  progress.end();
  assert.match(stream.text, /sorting █{16} 100 %/);
  assert.match(stream.text, /replaying ████░{12} 25 % {2}50 lines, 0\/s, 6h left/);
});

test('a bar never takes more than the width of the terminal', async () => {
  const stream = new FakeStream(true);
  const clock = new FakeClock();
  const progress = new Progress(stream, clock);
  progress.report({ what: 'replaying', done: 0, total: 90_000_000, lines: 0 });
  await clock.advance(100_000);
  progress.report({ what: 'replaying', done: 1_000_000, total: 90_000_000, lines: 12_345_678 });
  progress.end();
  const drawn = stream.drawings.at(-2)!;
  assert.match(drawn, /12,345,678 lines, 123,457\/s, 2h29m left$/);
  assert.ok(drawn.length <= stream.columns);
});

test('elsewhere there is a line every ten seconds, without control characters', async () => {
  const stream = new FakeStream(false);
  const clock = new FakeClock();
  const progress = new Progress(stream, clock);
  for (let second = 0; second <= 25; second++) {
    progress.report({ what: 'reading', done: second * 10, total: 1_000, lines: second * 2_000 });
    await clock.advance(1_000);
  }
  progress.end();
  assert.equal(
    stream.text,
    'reading: 10 %, 20,000 lines, 2,000/s, 1m30s left\nreading: 20 %, 40,000 lines, 2,000/s, 1m20s left\n',
  );
});

test('work that is done at once says nothing where there is no terminal, and an empty file has no bar', () => {
  for (const isTTY of [true, false]) {
    const stream = new FakeStream(isTTY);
    const progress = new Progress(stream, new FakeClock());
    progress.report({ what: 'reading', done: 0, total: 0, lines: 0 });
    progress.end();
    assert.equal(stream.text, '');
  }
});

const event = (user: number, second: number): string =>
  JSON.stringify({
    type: 'track',
    messageId: `m${user}-${second}`,
    userId: `u${user}`,
    event: 'e',
    timestamp: new Date(FAKE_START + second * 1_000).toISOString(),
  });

async function progressOf(lines: readonly string[], order: 'arrival' | 'time'): Promise<readonly InputProgress[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-progress-'));
  try {
    const file = join(folder, 'events.jsonl');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const told: InputProgress[] = [];
    const input = new BacktestInput({
      sources: [new FileSource({ name: file, path: file, input: { format: 'segment', entity: 'user' } })],
      order,
      outOfOrdernessMs: 0,
      from: -Infinity,
      to: Infinity,
      onProgress: (progress) => told.push(progress),
    });
    for await (const _ of input.batches());
    return told;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a file that is replayed as it stands is read to its last byte, and every line counted', async () => {
  const lines = Array.from({ length: 8_000 }, (_, index) => event(index, index));
  const told = await progressOf(lines, 'arrival');
  const bytes = Buffer.byteLength(`${lines.join('\n')}\n`);
  assert.ok(told.length > 2);
  assert.ok(told.every(({ what, total }) => what === 'reading' && total === bytes));
  assert.ok(told[0]!.done < bytes, 'what is only looked at beforehand is not done');
  assert.deepEqual([told.at(-1)!.done, told.at(-1)!.lines], [bytes, 8_000]);
});

test('a file that is sorted first is read, and then replayed line by line', async () => {
  const lines = Array.from({ length: 5_000 }, (_, index) => event(index, 5_000 - index));
  const told = await progressOf(lines, 'time');
  const replaying = told.filter(({ what }) => what === 'replaying');
  assert.deepEqual(
    replaying.map(({ done, total }) => [done, total]),
    [1_000, 2_000, 3_000, 4_000, 5_000].map((done) => [done, 5_000]),
  );
  assert.ok(told.slice(0, -replaying.length).every(({ what }) => what === 'sorting'));
});

test('backtest shows it on standard error, and takes it away before its result', async (t) => {
  const folder = folderWith(t, {
    'rules/r.yaml': 'id: r\nwhen: { event: e }\n',
    'events.jsonl': `${event(1, 0)}\n`,
  });
  const stderr = new FakeStream(true);
  let stdout = '';
  const words = ['backtest', '--rules', 'rules', '--events', 'events.jsonl', '--out', 'out'];
  const code = await runCommandLine(words, [backtest], {
    stdout: { write: (text) => (stdout += text) },
    stderr,
    isTerminal: true,
    signal: new AbortController().signal,
    env: {},
    folder,
  });
  assert.equal(code, 0);
  assert.match(stderr.text, /reading █{16} 100 %/);
  assert.ok(stderr.text.endsWith(TO_START + CLEAR));
  assert.match(stdout, /^rule /);
});
