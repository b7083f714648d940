import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { CHANNEL_IDS } from '../../../../connectors/channels/index.ts';
import { loadTemplates as loadAll } from '../../../../connectors/channels/templates/templates.ts';
import { formatProblem } from '../../../../lib/problem.ts';
import { makeAction } from '../delivery/fake-context.ts';

const loadTemplates = (folder: string) => loadAll(folder, CHANNEL_IDS);

/** A folder with these files; returns its path. */
function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-templates-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function problemsOf(t: TestContext, files: Readonly<Record<string, string>>): string[] {
  const folder = folderOf(t, files);
  return loadTemplates(folder).problems.map((problem) => formatProblem(problem).replace(`${folder}/`, ''));
}

const ACTION = makeAction({
  channel: 'email',
  template: 'cart',
  data: { coupon: 'SAVE<10>' },
  context: { profile: { name: 'Ann', locale: 'de-AT' }, cart: { properties: { value: 80 } } },
});

test('a template sees data, entity, rule, at and everything of the context', (t) => {
  const { templates, problems } = loadTemplates(
    folderOf(t, {
      'cart/email.liquid':
        '{{ data.coupon }} {{ entity.type }} {{ entity.id }} {{ rule }} {{ at }} {{ profile.name }} {{ cart.properties.value }}',
    }),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(templates.render(ACTION), {
    fields: {},
    body: 'SAVE<10> user u1 cart-abandonment 2026-01-01T09:00:00.000Z Ann 80',
    isHtml: false,
    isJson: false,
    missing: [],
  });
});

test('in HTML values are escaped, in its subject and in plain text they are not (Q2)', (t) => {
  const { templates } = loadTemplates(
    folderOf(t, {
      'cart/email.liquid': '---\nsubject: Use {{ data.coupon }}\n---\n<p>{{ data.coupon }}</p>',
      'late/email.liquid': '{% assign code = data.coupon %}\n<p>{{ code }}</p>',
    }),
  );
  const { fields, body, isHtml } = templates.render(ACTION);
  assert.deepEqual([fields.subject, body, isHtml], ['Use SAVE<10>', '<p>SAVE&lt;10&gt;</p>', true]);
  const late = templates.render({ ...ACTION, template: 'late' });
  assert.deepEqual([late.body.trim(), late.isHtml], ['<p>SAVE&lt;10&gt;</p>', true]);
});

test('a subject is one line whatever the data holds', (t) => {
  const { templates } = loadTemplates(
    folderOf(t, { 'cart/email.liquid': '---\nsubject: Hi {{ data.x }}!\n---\nbody' }),
  );
  const rendered = templates.render({ ...ACTION, data: { x: 'a\r\nBcc: eve@evil.test\u0000\u2028b' } });
  assert.equal(rendered.fields.subject, 'Hi a Bcc: eve@evil.test b!');
});

test('a byte order mark and line ends of Windows are no part of a template', (t) => {
  const { templates, problems } = loadTemplates(
    folderOf(t, { 'cart/email.liquid': '\uFEFF---\r\nsubject: Hi\r\n---\r\n<p>Hello</p>' }),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(templates.render(ACTION), {
    fields: { subject: 'Hi' },
    body: '<p>Hello</p>',
    isHtml: true,
    isJson: false,
    missing: [],
  });
});

test('the locale is taken, else its language, else the template for everyone', (t) => {
  const { templates } = loadTemplates(
    folderOf(t, { 'cart/email.liquid': 'all', 'cart/email.de.liquid': 'de', 'cart/email.pt_BR.liquid': 'pt-br' }),
  );
  const bodies = ['de-AT', 'de', 'pt-BR', 'PT_br', 'pt', 'fr', null].map(
    (locale) => templates.find('cart', 'email', locale)!.render({}).body,
  );
  assert.deepEqual(bodies, ['de', 'de', 'pt-br', 'pt-br', 'all', 'all', 'all']);
  assert.equal(templates.render(ACTION).body, 'de');
});

test('an action without a template, or with one that does not exist, fails by name', (t) => {
  const { templates } = loadTemplates(folderOf(t, { 'cart/email.liquid': 'x' }));
  const failure = (template: string | null): unknown => {
    try {
      return templates.render({ ...ACTION, template });
    } catch (error) {
      return error;
    }
  };
  assert.match(String(failure('nothing')), /there is no template nothing\/email\.liquid/);
  assert.match(String(failure(null)), /names no template for channel email/);
  assert.equal((failure(null) as { code: string }).code, 'TRG_TEMPLATE_FAILED');
});

test('all mistakes of all templates are reported at once, each where it is', (t) => {
  assert.deepEqual(
    problemsOf(t, {
      'a/email.liquid': '---\nsubject: "Hi {{ name"\n---\nline\n  {% if x %}',
      'b/email.liquid': 'fine {{ x | upcase }}\n{{ x | nofilter }}',
      'c/email.liquid': '---\nsubject: {{ name }}\n---\n',
      'd/email.liquid': '---\nsubjekt: Hi\n---\n',
      'e/emial.liquid': '',
      'f/email.liquid': '{% include "../../secret" %}',
      'g/email.liquid': '---\nsubject: [1]\n---\n',
      'h/email.de.liquid': 'nur deutsch',
    }),
    [
      'a/email.liquid:2:14: "{{ name" is not closed (what is shown ends with }})',
      'a/email.liquid:5:3: {% if x %} is not closed (add {% endif %})',
      'b/email.liquid:2:1: unknown filter "nofilter" (such as upcase, default, date, escape)',
      'c/email.liquid:2:10: "subject" must be text (text that begins with {{ must be in quotes)',
      'd/email.liquid:2:1: unknown field "subjekt" (did you mean "subject"?)',
      'e/emial.liquid: a template is named after its channel (did you mean "email"?)',
      'f/email.liquid:1:1: the tag "include" is not available (a template is one file, and reaches for no other)',
      'g/email.liquid:2:10: "subject" must be text',
    ],
  );
});

test('what is missing is empty and told, and with `missing: strict` the message fails by its name', (t) => {
  const text = (policy: string) =>
    `---\nsubject: Hi {{ profile.nick }}\n${policy}---\n{{ data.coupon }}{{ data.gone }}`;
  const { templates, problems } = loadTemplates(
    folderOf(t, {
      'cart/email.liquid': text(''),
      'said/email.liquid': text('missing: empty\n'),
      'strict/email.liquid': text('missing: strict\n'),
      'asked/email.liquid': '---\nmissing: strict\n---\n{% if data.gone %}!{% endif %}{{ data.gone | default: "-" }}',
    }),
  );
  assert.deepEqual(problems, []);
  const told: string[][] = [];
  const listening = templates.listening((missing) => told.push([...missing]));
  for (const template of ['cart', 'said']) {
    assert.equal(listening.render({ ...ACTION, template }).fields.subject, 'Hi');
  }
  assert.deepEqual(told, [
    ['profile.nick', 'data.gone'],
    ['profile.nick', 'data.gone'],
  ]);
  assert.throws(() => templates.render({ ...ACTION, template: 'strict' }), {
    code: 'TRG_TEMPLATE_FAILED',
    message: 'template strict/email.liquid shows profile.nick, data.gone, which is not there, and says missing: strict',
  });
  assert.equal(templates.render({ ...ACTION, template: 'asked' }).body, '-');
  assert.deepEqual(problemsOf(t, { 'a/email.liquid': '---\nmissing: strickt\n---\n' }), [
    'a/email.liquid:2:10: "missing" is empty or strict (did you mean "strict"?)',
  ]);
});

test('front matter that is no YAML is one line with its place', (t) => {
  const [problem] = problemsOf(t, { 'a/email.liquid': '---\nsubject: a: b\n---\n' });
  assert.match(problem!, /^a\/email\.liquid:2:\d+: front matter: Nested mappings are not allowed[^\n]*$/);
});

test('a template only for some locales is a mistake: the others would get nothing', (t) => {
  assert.deepEqual(problemsOf(t, { 'h/email.de.liquid': 'nur deutsch' }), [
    'h/email.liquid: is missing, while h/email.de.liquid is there (it is for people of all other locales)',
  ]);
});

test('links within the folder are followed, and those that lead out of it are refused by name (T1)', (t) => {
  const outside = folderOf(t, { 'secret/email.liquid': 'secret', 'passwords.liquid': 'secret' });
  const folder = folderOf(t, { '..data/cart/email.liquid': 'hello', 'own/email.liquid': 'own' });
  symlinkSync('..data/cart', join(folder, 'cart'));
  symlinkSync(join(outside, 'secret'), join(folder, 'secret'));
  symlinkSync('../../..', join(folder, 'own/up'));
  symlinkSync(join(outside, 'passwords.liquid'), join(folder, 'own/sms.liquid'));
  const { templates, problems } = loadTemplates(folder);
  assert.equal(templates.render(ACTION).body, 'hello');
  assert.deepEqual(
    Array.from(templates.all(), ({ name, channel }) => `${name}/${channel}`),
    ['cart/email', 'own/email'],
  );
  const text = 'is a symbolic link that leads out of the folder of templates (put the file itself here)';
  assert.deepEqual(
    problems.map((problem) => formatProblem(problem).replace(`${folder}/`, '')),
    [`secret: ${text}`, `own/sms.liquid: ${text}`],
  );
});

test('a file that is far too large is refused before it is read', (t) => {
  const folder = folderOf(t, { 'cart/email.liquid': '' });
  truncateSync(join(folder, 'cart/email.liquid'), 50 * 1024 ** 3);
  const { problems } = loadTemplates(folder);
  assert.match(formatProblem(problems[0]!), /cart\/email\.liquid: cannot be read: it has \d+ bytes, at most 2097152$/);
});

test('a folder that cannot be read is one problem', (t) => {
  const folder = join(folderOf(t, {}), 'missing');
  const { problems } = loadTemplates(folder);
  assert.equal(problems.length, 1);
  assert.match(formatProblem(problems[0]!), /missing: cannot be read: ENOENT/);
});

test('a channel with a name of its own has the template of that name, else that of its type', (t) => {
  const folder = folderOf(t, {
    'both/partner.liquid': 'to the partner',
    'both/partner.de.liquid': 'an den Partner',
    'both/email.liquid': 'to anybody',
    'typed/email.liquid': 'Hello',
    'typed/email.de.liquid': 'Hallo',
  });
  const { templates, problems } = loadAll(folder, [...CHANNEL_IDS, 'partner'], new Map([['partner', 'email']]));
  assert.deepEqual(problems, []);
  const bodyOf = (template: string, channel = 'partner') => templates.render({ ...ACTION, template, channel }).body;
  assert.deepEqual(
    [bodyOf('both'), bodyOf('both', 'email'), bodyOf('typed')],
    ['an den Partner', 'to anybody', 'Hallo'],
  );
  assert.throws(() => bodyOf('neither'), {
    message: 'there is no template neither/partner.liquid, nor neither/email.liquid',
  });
});
