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

test('entities are decoded, and what is none is left', () => {
  assert.equal(plainText('&lt;b&gt; &amp;amp; &quot;&#39;&#x20AC;&nbsp;&euro;&nichts;&'), `<b> &amp; "'€ €&nichts;&`);
});

test('a character beyond the first 65,536 is one, by its number too, and one beyond all of them is U+FFFD', () => {
  assert.equal(plainText('&#128512; &#x1F600; &#x10FFFF; &#x110000;'), '😀 😀 \u{10FFFF} \uFFFD');
});

test('rows of tables are lines, their cells words of them, nested tables and images without words nothing of their own', () => {
  assert.equal(plainText('<table><tr><td>A</td><td>B</td></tr><tr><td>C</td></tr></table>x'), 'A B\nC\n\nx');
  const layout = '<table><tr><td><table><tr><td>in</td><td>ner</td></tr></table></td></tr></table>x';
  assert.equal(plainText(layout), 'in ner\n\nx');
  assert.equal(plainText('<img src="a.png" alt="Logo"><img src="https://t.test/p.gif">'), 'Logo');
  assert.equal(plainText('<a href="https://x.test"><img src="b.png" alt="Buy"></a>'), 'Buy (https://x.test)');
});

test('lists are numbered or dashed, one inside another is indented', () => {
  assert.equal(plainText('<ol><li>x<li>y</ol>'), '1. x\n2. y');
  assert.equal(plainText('<ul><li>a<ul><li>b</li></ul></li></ul>'), '- a\n  - b');
  assert.equal(plainText('a<hr>b'), 'a\n---\nb');
});

test('an address to write or call to follows its words, other links do not', () => {
  assert.equal(
    plainText('<a href="mailto:x@y.test">Mail</a>, <a href="tel:+49123">call</a>'),
    'Mail (x@y.test), call (tel:+49123)',
  );
  assert.equal(plainText('<a href="/rel">Rel</a> <a href="javascript:alert(1)">js</a>'), 'Rel js');
});

test('broken HTML ends, in time in proportion to its length (P1)', () => {
  assert.equal(plainText('a < b'), 'a < b');
  const inputs = [
    '<a ',
    '<a href="',
    '<style>',
    '&',
    '<div>',
    '<b></i>',
    '<table><tr><td>x',
    '<ul><li>x',
    '<svg><g>',
    '<!--',
    '&nbsp;',
    ' ',
    '<p>x',
  ];
  for (const input of inputs) {
    const started = process.cpuUsage();
    plainText(`${input.repeat(Math.ceil(240_000 / input.length))}x${input.repeat(200_000)}`);
    const { user } = process.cpuUsage(started);
    // At most some 0.2 s on an idle machine.
    assert.ok(user < 1_500_000, `${input}: ${user / 1_000} ms`);
  }
});

test('what is longer or deeper than any message is cut off, and says so (P1)', () => {
  const long = plainText('<p>word</p>'.repeat(50_000));
  assert.ok(long.length < 250_000);
  assert.match(long, /^word\n\nword/);
  assert.match(long, /\n\.\.\.$/);
  const deep = plainText(`start ${'<div>'.repeat(2_000)}end`);
  assert.match(deep, /^start\b/);
  assert.match(deep, /\.\.\.$/);
  assert.doesNotMatch(deep, /end/);
  assert.doesNotMatch(plainText('<p>a</p>'.repeat(10_000)), /\.\.\./);
});
