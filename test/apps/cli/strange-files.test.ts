import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { backtest } from '../../../apps/cli/commands/backtest.ts';
import { check } from '../../../apps/cli/commands/check.ts';
import { explain } from '../../../apps/cli/commands/explain.ts';
import { folderWith, type Ran, run } from './kit.ts';

const RULE = 'id: any\nwhen: { event: seen }\n';
const FIRST = '{"type":"track","messageId":"m1","userId":"müller","event":"seen","timestamp":"2026-01-01T10:00:00Z"}\n';
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function replay(t: TestContext, files: Readonly<Record<string, string | Buffer>>, ...words: string[]): Promise<Ran> {
  const folder = folderWith(t, { 'rules/any.yaml': RULE, ...files });
  return run(['backtest', '--rules', 'rules', '--out', 'out', ...words], [backtest], folder);
}

test('a backtest of which no line could be read is exit code 1, and says why', async (t) => {
  const { code, out, err } = await replay(t, { 'e.jsonl': latin1(FIRST + FIRST) }, '--events', 'e.jsonl');
  assert.equal(code, 1);
  assert.match(
    out,
    /line 1: TRG_RECORD_UNREADABLE byte 45 of the line is no text in the encoding of the file: fc 6c 6c/,
  );
  assert.match(err, /nothing could be read of e\.jsonl/);
});

test('CSV that is taken for JSON Lines is exit code 1, and called CSV', async (t) => {
  const { code, out } = await replay(t, { 'e.txt': 'user;event;ts\nu1;seen;2026-01-01\n' }, '--events', 'e.txt');
  assert.equal(code, 1);
  assert.match(out, /line 1: .* it looks like CSV: give --mapping/);
});

test('a backtest of which one line could be read is exit code 0', async (t) => {
  const { code } = await replay(t, { 'e.jsonl': `{"value":NaN}\n${FIRST}` }, '--events', 'e.jsonl');
  assert.equal(code, 0);
});

test('--encoding says what a file is in, and one that is not known is wrong usage', async (t) => {
  const files = { 'e.jsonl': latin1(FIRST) };
  const { code, out } = await replay(t, files, '--events', 'e.jsonl', '--encoding', 'windows-1252', '--json');
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).fired, 1);
  const wrong = await replay(t, files, '--events', 'e.jsonl', '--encoding', 'windows-1253');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /--encoding windows-1253 is not known.*[\s\S]*did you mean "windows-1252"/);
});

test('explain takes --encoding too', async (t) => {
  const folder = folderWith(t, {
    'rules/any.yaml': RULE,
    'tripline.yaml': 'rules: ./rules\n',
    'e.jsonl': latin1(FIRST),
  });
  const words = ['explain', '--rule', 'any', '--user', 'müller', '--events', 'e.jsonl'];
  assert.equal((await run(words, [explain], folder)).code, 1);
  const { code, out } = await run([...words, '--encoding', 'latin1'], [explain], folder);
  assert.equal(code, 0);
  assert.match(out, /fired/);
});

test('events of one list in one line stay apart, although none has an id', async (t) => {
  const event = (second: number): object => ({
    type: 'track',
    userId: 'u1',
    event: 'seen',
    timestamp: `2026-01-01T10:00:0${second}Z`,
  });
  for (const order of ['arrival', 'time']) {
    const list = JSON.stringify([event(1), event(2), { ...event(3), event: '' }]);
    const { out } = await replay(t, { 'e.json': list }, '--events', 'e.json', '--json', '--order', order);
    const { input, fired } = JSON.parse(out);
    assert.equal(fired, 2);
    assert.equal(input.duplicates, 0);
    assert.deepEqual(
      input.deadLetterExamples.map(({ line }: { line: number }) => line),
      [1],
    );
  }
});

test('rules, segments, templates and caps that are no UTF-8 are errors with their place, each file on its own', async (t) => {
  const folder = folderWith(t, {
    'tripline.yaml': 'rules: ./rules\n',
    'rules/any.yaml': RULE,
    'rules/käse.yaml': latin1('id: kaese\nwhen: { event: "K\xe4se gekauft" }\n'),
    'segments/vip.yaml': latin1('id: vip\nname: gr\xfc\xdfe\n'),
    'caps.yaml': latin1('- { id: a, name: "\xe4" }\n'),
    'templates/m/email.liquid': latin1('---\nsubject: Gr\xfc\xdfe\n---\nK\xe4se\n'),
  });
  const { code, out } = await run(['check', '.'], [check], folder);
  assert.equal(code, 1);
  assert.match(
    out,
    /rules\/käse\.yaml:2:18: byte 28 of the file is not UTF-8: e4 73 65 \(save the file as UTF-8; it may be windows-1252/,
  );
  assert.match(out, /segments\/vip\.yaml:2:9: byte 17 of the file is not UTF-8: fc df 65/);
  assert.match(out, /caps\.yaml:1:19: byte 19 of the file is not UTF-8: e4 22 20/);
  assert.match(out, /templates\/m\/email\.liquid:2:12: byte 16 of the file is not UTF-8: fc df 65/);
  assert.match(out, /1 rules without a mistake/);
});
