import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonMistake } from '../../lib/json-mistake.ts';

/** What senders and exporters write, and a word of what is said about it. */
const HABITS: readonly (readonly [text: string, word: RegExp])[] = [
  ['', /is empty/],
  ['<!DOCTYPE html><html>', /HTML or XML/],
  ['<Event id="1"/>', /HTML or XML/],
  ['data: {"a":1}', /server-sent event/],
  ['---', /YAML/],
  ['level: info msg="started"', /YAML or a log line/],
  ['# exported at noon', /a comment/],
  ['callback({"a":1});', /JSONP/],
  ['2026-01-01T10:00:00Z INFO {"a":1}', /time of a log/],
  ['user_id,event,ts', /looks like CSV/],
  ['u1;add_to_cart;2026-01-01', /looks like CSV/],
  ['{"value":NaN}', /NaN and Infinity/],
  ['{"value": -Infinity}', /NaN and Infinity/],
  ['{"list":[1,nan]}', /NaN and Infinity/],
  ['{"value":None}', /are Python/],
  ['{"paid":True,"x":1}', /are Python/],
  ['{"value":undefined}', /leave the field out/],
  ['{"_id":ObjectId("5f")}', /database shell/],
  ['{"at": datetime.datetime(2026, 1, 1)}', /of Python/],
  ["{'a': 1}", /single quotes/],
  ['{"a":1} // once', /a comment/],
  ['{"a":1,}', /comma stands before a closing/],
  ['{a:1}', /lack their double quotes/],
  ['{"a"=>1}', /Ruby or PHP/],
  ['{"zip":01234}', /begins with 0/],
  ['{"a":+1}', /begins with \+/],
  ['{"a":.5}', /lacks its digits/],
  ['{"a":5.}', /lacks its digits/],
  ['{"a":0xff}', /hexadecimal/],
  ['{"a":1,5}', /has a comma/],
  ['{“a”:1}', /typographic quotes/],
  ['{"a":1 "b":2}', /comma is missing/],
  ['{"a":"say "hi" now"}', /lacks its \\/],
  ['{"path":"C:\\data"}', /write \\\\/],
  ['{"a":"one\ttwo"}', /control character/],
  ['{"a":"say \\\\"hi\\\\""}', /PostgreSQL/],
  ['{"a":"b', /inside of a text/],
  ['{"a":{"b":1}', /ends before its last bracket/],
  ['{"a":1}{"b":2}', /something follows/],
  ['{"a":1}}', /something follows/],
];

for (const [text, word] of HABITS) {
  test(`of ${JSON.stringify(text)} is said what is wrong`, () => {
    assert.throws(() => JSON.parse(text));
    assert.match(jsonMistake(text) ?? 'nothing', word);
  });
}

test('what stands in texts is not taken for a mistake', () => {
  assert.equal(jsonMistake('{"a":"NaN, None => \'x\' // ,}"} '), null);
  assert.match(jsonMistake('{"a":"NaN, // ,}"') ?? '', /last bracket/);
});

test('a hostile record costs no time', () => {
  for (const text of [
    `{"a":${' '.repeat(1_000_000)}"b"`,
    '"\t'.repeat(500_000),
    ':1,1'.repeat(250_000),
    '\t'.repeat(1_000_000),
  ]) {
    const before = process.cpuUsage();
    jsonMistake(text);
    assert.ok(process.cpuUsage(before).user < 500_000);
  }
});
