import assert from 'node:assert/strict';
import test from 'node:test';
import { plainText } from '../../../../connectors/channels/email/plain-text.ts';

test('paragraphs, lists, breaks and headings become lines', () => {
  const html = '<h1>Hello</h1>\n<p>One<br>two</p><ul><li>a</li><li>b</li></ul><p>Bye</p>';
  assert.equal(plainText(html), 'Hello\n\nOne\ntwo\n\n- a\n- b\n\nBye');
});

test('a link is followed by its address, unless it is its own words or leads nowhere', () => {
  assert.equal(plainText('<a href="https://a.test/?x=1&amp;y=2">Shop</a>'), 'Shop (https://a.test/?x=1&y=2)');
  assert.equal(plainText("<a href='https://a.test'>https://a.test</a>"), 'https://a.test');
  assert.equal(plainText('<a href="#top">Top</a> <a>x</a>'), 'Top x');
});

test('head, styles, scripts and comments are not shown', () => {
  const html =
    '<!doctype html><head><title>T</title></head><style>p{}</style><!-- <p>no</p> --><p>yes</p><script>1<2</script>';
  assert.equal(plainText(html), 'yes');
});

test('entities are decoded, unknown ones left', () => {
  assert.equal(
    plainText('&lt;b&gt; &amp;amp; &quot;&#39;&#x20AC;&nbsp;&euro;&#99999999;'),
    `<b> &amp; "'€ &euro;&#99999999;`,
  );
});

test('a character beyond the first 65,536 is one, by its number too, and one beyond all of them is left', () => {
  assert.equal(plainText('&#128512; &#x1F600; &#x10FFFF; &#x110000;'), '😀 😀 \u{10FFFF} &#x110000;');
});

test('broken HTML ends, in time in proportion to its length', () => {
  assert.equal(plainText('a < b'), 'a');
  const started = performance.now();
  plainText('<a '.repeat(300_000));
  plainText('<a href="'.repeat(100_000));
  plainText('<style>'.repeat(100_000));
  plainText('&'.repeat(1_000_000));
  assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
});
