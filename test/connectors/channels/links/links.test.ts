import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Links } from '../../../../connectors/channels/links/links.ts';
import { trackedHtml } from '../../../../connectors/channels/links/tracked-html.ts';
import { referenceOf } from '../../../../schemas/message-reference.ts';
import { makeAction } from '../delivery/fake-context.ts';

const links = new Links('https://shop.test', 'secret');
const REFERENCE = referenceOf(makeAction({ category: 'news' }), 'email:x');
const tokenOf = (url: string): string => url.split('/').at(-1)!;

test('a link says which message it is of, and where a click leads', () => {
  const url = links.urlOf('c', REFERENCE, 'https://shop.test/ä?x=1&y=2');
  assert.ok(url.startsWith('https://shop.test/c/'));
  assert.deepEqual(links.read('c', tokenOf(url)), { reference: REFERENCE, url: 'https://shop.test/ä?x=1&y=2' });
});

test('what was changed, cut, signed by another secret or for another kind of link is none (L1)', () => {
  const token = tokenOf(links.urlOf('u', REFERENCE));
  assert.notEqual(links.read('u', token), null);
  assert.equal(links.read('c', token), null);
  assert.equal(new Links('https://shop.test', 'other').read('u', token), null);
  const [body, signature] = token.split('.') as [string, string];
  const forged = Buffer.from(JSON.stringify({ r: { ...REFERENCE, entity: { type: 'user', id: 'u2' } } })).toString(
    'base64url',
  );
  for (const wrong of [
    '',
    '.',
    body,
    `${body}.`,
    `${forged}.${signature}`,
    `${body}.${signature.slice(1)}`,
    `${token}.x`,
  ]) {
    assert.equal(links.read('u', wrong), null, wrong);
  }
});

const track = (html: string) =>
  trackedHtml(html, {
    clickUrl: (url) => `https://shop.test/c/${encodeURIComponent(url)}`,
    openUrl: 'https://shop.test/o/t',
    publicUrl: 'https://shop.test',
  });
const PIXEL = '<img src="https://shop.test/o/t" width="1" height="1" alt="" style="display:block;border:0">';

test('links of a mail lead over ours, and nothing else of it changes (T1, T2)', () => {
  const html = `<html><body>\n<A  class='x' HREF='https://a.test/?x=1&amp;y=2'>a</A> <a href=mailto:x@y>m</a>
<a href="https://shop.test/u/1">u</a><a data-no-track href="https://b.test">b</a><a href="#top">t</a> <a name=x>n</a></body></html>`;
  const click = `"https://shop.test/c/${encodeURIComponent('https://a.test/?x=1&y=2')}"`;
  assert.equal(track(html), html.replace("'https://a.test/?x=1&amp;y=2'", click).replace('</body>', `${PIXEL}</body>`));
  assert.equal(track('<p>no body'), `<p>no body${PIXEL}`);
});
