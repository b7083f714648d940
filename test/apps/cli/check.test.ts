import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check as checkCommand } from '../../../apps/cli/commands/check.ts';
import { test as testCommand } from '../../../apps/cli/commands/test.ts';
import { folderWith, run } from './kit.ts';

const GOOD = `id: welcome
when: { event: signup }
then: [{ send: { channel: email, template: hello } }]
tests:
  - name: fires
    given: [{ at: "2026-01-01T10:00:00Z", user: u1, event: signup }]
    expect: [{ at: "2026-01-01T10:00:00Z", user: u1, outcome: fired }]
`;
const TEMPLATE = '---\nsubject: Hello\n---\nHello {{ profile.name }}\n';

const check = (folder: string, ...words: string[]) => run(['check', ...words], [checkCommand], folder);

test('a project without mistakes is fine', async (t) => {
  const folder = folderWith(t, { 'shop/rules/welcome.yaml': GOOD, 'shop/templates/hello/email.liquid': TEMPLATE });
  assert.deepEqual(await check(folder, 'shop'), {
    code: 0,
    out: 'check: 1 files, 1 rules without a mistake, 1 tests; 0 errors, 0 warnings\n',
    err: '',
  });
});

test('without a path the project in the folder is checked; where there is none, that is said', async (t) => {
  const files = { 'tripline.yaml': 'application: shop\n', 'rules/welcome.yaml': GOOD };
  const folder = folderWith(t, { ...files, 'templates/hello/email.liquid': TEMPLATE });
  assert.deepEqual(await check(folder), {
    code: 0,
    out: 'check: 1 files, 1 rules without a mistake, 1 tests; 0 errors, 0 warnings\n',
    err: '',
  });
  const tested = await run(['test'], [testCommand], folder);
  assert.match(tested.out, /^ok {3}welcome: fires\ntest: 1 rules, 1 passed, 0 failed\n$/);
  for (const command of [checkCommand, testCommand]) {
    const { code, err } = await run([command.name], [command], folderWith(t, {}));
    assert.equal(code, 2);
    assert.match(err, new RegExp(`${command.name}: no PATH given, and no tripline.yaml here\n {2}such as: tripline`));
  }
});

test('every mistake of every file is shown with its place, and the exit code is 1', async (t) => {
  const folder = folderWith(t, {
    'rules/a.yaml': 'id: a\nwhen: { evnt: signup }\n',
    'rules/deeper/b.yml': 'id: b\nwhen: { event: signup }\nif: "nobody.knows == 1"\n',
    'rules/c.json': '{ "id": "a", "when": { "event": "x" } }',
    'templates/hello/email.liquid': 'Hello {{ profile.name',
  });
  const { code, out } = await check(folder, 'rules');
  assert.equal(code, 1);
  assert.match(out, /^rules\/a\.yaml:2:9: unknown field "evnt"/m);
  assert.match(out, /^rules\/deeper\/b\.yml:3:\d+: .*nobody/m);
  assert.match(out, /^rules\/c\.json:1:10: the rule id "a" is used already \(first used at rules\/a\.yaml:1:5\)/m);
  assert.match(out, /^templates\/hello\/email\.liquid:1:\d+: /m);
  assert.match(out, /^check: 3 files, .* errors, 0 warnings$/m);
});

test('a template that a rule names but that is not there is an error', async (t) => {
  const folder = folderWith(t, { 'rules/a.yaml': GOOD, 'templates/other/email.liquid': TEMPLATE });
  const { code, out } = await check(folder, '.');
  assert.equal(code, 1);
  assert.match(out, /^rules\/a\.yaml:3:\d+: .*hello/m);
});

test('entities come from the configuration near the rules, whose secrets are not asked for', async (t) => {
  const rule = 'id: hot\nentity: device\nwhen: { event: reading }\n';
  const secret = `channels: { webhook: { url: "https://a.test", secret: "\${SECRET}" } }\n`;
  const config = `entities: { device: { id: properties.device } }\n${secret}`;
  const without = folderWith(t, { 'rules/hot.yaml': rule });
  const beside = folderWith(t, { 'rules/hot.yaml': rule, 'tripline.yaml': config });
  assert.match((await check(without, 'rules')).out, /device/);
  assert.equal((await check(beside, 'rules')).code, 0);
  assert.equal((await check(beside, '.')).code, 0);
});

test('a mistake in the configuration is one too', async (t) => {
  const folder = folderWith(t, { 'rules/a.yaml': GOOD, 'other.yaml': 'thread: 1' });
  const { code, err } = await check(folder, 'rules', '-c', 'other.yaml');
  assert.equal(code, 1);
  assert.match(err, /TRG_CONFIG_INVALID .*\n {2}other\.yaml:1:1: unknown field "thread"/);
});

test('--json is one object with counts and mistakes', async (t) => {
  const folder = folderWith(t, { 'rules/a.yaml': 'id: a\n' });
  const { code, out } = await check(folder, 'rules', '--json');
  const { files, rules, errors } = JSON.parse(out);
  assert.equal(code, 1);
  assert.deepEqual([files, rules, errors.length], [1, 0, 1]);
  assert.deepEqual(Object.keys(errors[0]), ['file', 'line', 'column', 'message', 'hint']);
  assert.equal(errors[0].file, 'rules/a.yaml');
});

test('a folder without rules is a failure, not a success', async (t) => {
  const { code, out } = await check(folderWith(t, { 'empty/readme.md': '' }), 'empty');
  assert.equal(code, 1);
  assert.match(out, /^empty: no rules or templates here/);
});

test('segments, models, caps and hold-outs beside the rules are checked with them', async (t) => {
  const folder = folderWith(t, {
    'rules/a.yaml': 'id: a\nwhen: { event: x }\nif: inSegment("vip") && score("churn") > 0.5',
    'segments/vip.yaml': 'id: vip\nwhere: count("buy", "30d") > 3',
    'models/churn.yaml':
      "id: churn\ntype: linear\nfeatures: [{ name: n, value: \"count('login', '7d')\", weight: -1 }]",
    'caps.yaml': '- { max: 3, per: 7d, channel: any, category: promotions, timezone: profile.timezone }',
    'holdouts.yaml': '- { group: everyone, share: 5% }',
  });
  assert.equal((await check(folder, '.')).code, 0);
  assert.equal((await check(folder, 'rules')).code, 0);
  const { code, out } = await check(
    folderWith(t, {
      'rules/a.yaml': 'id: a\nwhen: { event: x }\nif: inSegment("vib")',
      'segments/vip.yaml': 'id: vip\nwhere: now > timestamp("2026-01-01")',
      'caps.yaml': '- { max: 3, per: fortnight }',
      'holdouts.yaml': '- { group: everyone, share: 500% }',
    }),
    '.',
  );
  assert.equal(code, 1);
  assert.match(out, /^rules\/a.yaml:3:15: unknown segment "vib" \(did you mean "vip"\?\)$/m);
  assert.match(out, /^segments\/vip.yaml:2:8: "now" cannot be asked here/m);
  assert.match(out, /^caps.yaml:1:18: "per" cannot be "fortnight"/m);
  assert.match(out, /^holdouts.yaml:1:29: a share is at most 100%, not 500%/m);
});

test('no path is wrong usage, and a path that is not there a failure', async (t) => {
  const folder = folderWith(t, {});
  assert.equal((await check(folder)).code, 2);
  const missing = await check(folder, 'nowhere');
  assert.equal(missing.code, 1);
  assert.match(missing.err, /^tripline: TRG_FILE_UNREADABLE /);
});

test('a template with a mistake is reported as that, and not as one that is not there', async (t) => {
  const folder = folderWith(t, {
    'rules/a.yaml': GOOD,
    'templates/hello/email.liquid': TEMPLATE.replace('{{ profile.name }}', '{% if profile.name %}Ann'),
  });
  const { code, out } = await check(folder, '.');
  assert.equal(code, 1);
  assert.match(out, /^templates\/hello\/email\.liquid:4:7: .*not closed/m);
  assert.doesNotMatch(out, /there is no template/);
});

test('what a template shows and no rule gives is a warning at its place', async (t) => {
  const rule = GOOD.replace(
    'when: { event: signup }',
    'when: { sequence: { steps: [{ event: signup, as: first }, { event: pay }], within: 1d } }',
  )
    .replace('template: hello }', 'template: hello, data: { coupon: 1, n: 2 } }')
    .replace(/tests:[\s\S]*/, '');
  const folder = folderWith(t, {
    'rules/a.yaml': rule,
    'templates/hello/email.liquid':
      '---\nsubject: "You get {{ data.cupon }}"\n---\n' +
      'Hello {{ profile.name }}, {{ data.n }} {{ first.properties.x }} {{ event.event }} {{ at }} {{ rule }} {{ entity.id }}\n' +
      '{% for part in data.n %}{{ part }}{% endfor %}{% assign own = data.n %}{{ own }}\n' +
      '{{ data.nn }} {{ firts.event }}\n{{ event.name }} {{ data["nn"] }} {{ entity.name }}',
    'templates/hello/email.de.liquid': '{{ daten.n }}',
    'templates/unused/email.liquid': '{{ whatever }}',
  });
  const { code, out } = await check(folder, '.');
  assert.equal(code, 0, out);
  const warnings = out.split('\n').filter((line) => line.includes('[warning]'));
  assert.deepEqual(
    warnings.map((line) => line.replace(/^templates\/hello\//, '').replace(', so it shows nothing', '')),
    [
      'email.de.liquid:1:4: no rule that sends this gives "daten.n" (there is data, event, profile, entity, rule, at, unsubscribeUrl, preferencesUrl, first) [warning]',
      'email.liquid:2:22: no rule that sends this gives "data.cupon" (did you mean "coupon"?) [warning]',
      'email.liquid:6:4: no rule that sends this gives "data.nn" (did you mean "n"?) [warning]',
      'email.liquid:6:18: no rule that sends this gives "firts.event" (did you mean "first"?) [warning]',
      'email.liquid:7:4: no rule that sends this gives "event.name" (there is messageId, type, event, userId, anonymousId, timestamp, properties, traits, context) [warning]',
      'email.liquid:7:38: no rule that sends this gives "entity.name" (there is type, id) [warning]',
    ],
  );
});

test('what one of the rules that send a template gives is there', async (t) => {
  const other = GOOD.replace('id: welcome', 'id: other').replace(
    'template: hello',
    'template: hello, data: { coupon: 1 }',
  );
  const folder = folderWith(t, {
    'rules/a.yaml': GOOD,
    'rules/b.yaml': other,
    'templates/hello/email.liquid': '{% if data.coupon %}{{ data.coupon }}{% endif %}',
  });
  assert.match((await check(folder, '.')).out, /0 errors, 0 warnings/);
});

test('a property that no event of the catalogue has had is a warning, where a template shows it', async (t) => {
  const learned = {
    events: [{ name: 'left', properties: [{ name: 'value' }, { name: 'shop' }], hasMore: false }],
  };
  const folder = folderWith(t, {
    'tripline.yaml': 'application: shop\ndataDir: ./data\n',
    'data/events.json': JSON.stringify(learned),
    'rules/a.yaml': TRIED.replace(/tests:[\s\S]*/, ''),
    'templates/cart/email.liquid': '{{ event.properties.value }}\n{{ event.properties.shpo }} {{ event.event }}',
  });
  const { code, out } = await check(folder, '.');
  assert.equal(code, 0, out);
  const text = 'no event that the rules wait for has had "event.properties.shpo" (did you mean "shop"?)';
  assert.deepEqual(
    out.split('\n').filter((line) => line.includes('email.liquid')),
    [`templates/cart/email.liquid:2:4: ${text} [warning]`],
  );
});

const TRIED = `
id: cart
when: { event: left }
then: [{ send: { channel: email, template: cart, data: { total: event.properties.value * 2, list: '[1, 2]' } } }]
tests:
  - name: mails
    given:
      - { at: "2026-01-01T10:00:00Z", user: u1, type: identify, traits: { name: Ann, email: a@example.com } }
      - { at: "2026-01-01T10:00:00Z", user: u1, event: left, properties: { value: 2 } }
    expect: [{ at: "2026-01-01T10:00:00Z", outcome: fired }]
`;

test('each template is rendered with what the tests send: what they all lack is a warning at its place, with a hint', async (t) => {
  const folder = folderWith(t, {
    'rules/a.yaml': TRIED,
    'templates/cart/email.liquid':
      '---\nmissing: strict\nsubject: "Hi {{ profile.nmae }}"\n---\n' +
      '{{ event.properties.valeu }} {{ data.total }} {% if profile.tier %}!{% endif %} {{ profile.tier | default: "-" }}\n' +
      '{{ data.list | map: "x" | join: "," }}',
    'templates/cart/email.de.liquid': 'Hallo {{ profile.name }}, {{ profile.nmae }}',
  });
  const { code, out } = await check(folder, '.');
  assert.equal(code, 0, out);
  const said = 'no test of the rules that send this has';
  assert.deepEqual(
    out.split('\n').filter((line) => line.includes('[warning]')),
    [
      `templates/cart/email.de.liquid:1:30: ${said} "profile.nmae", so it shows nothing (did you mean "name"?) [warning]`,
      `templates/cart/email.liquid:3:17: ${said} "profile.nmae", so it shows nothing (did you mean "name"?) [warning]`,
      `templates/cart/email.liquid:5:4: ${said} "event.properties.valeu", so it shows nothing (did you mean "value"?) [warning]`,
    ],
  );
});

test('a template that takes too long or gives too much is an error, also where no test sends it', async (t) => {
  const folder = folderWith(t, {
    'rules/a.yaml': TRIED,
    'templates/cart/email.liquid': '{% for i in (1..99999) %}{% for j in (1..99999) %}x{% endfor %}{% endfor %}',
    'templates/other/email.liquid': `{% for i in (1..50) %}{{ profile.name }} is told the same ${'again '.repeat(6_000)}{% endfor %}`,
  });
  const { code, out } = await check(folder, '.');
  assert.equal(code, 1);
  assert.match(
    out,
    /^templates\/cart\/email\.liquid: with the data of the test "mails": template: template render limit/m,
  );
  assert.match(out, /^templates\/other\/email\.liquid: template: gives \d+ characters, at most 1048576/m);
});

test('a template of a webhook that gives no JSON with the data of a test is an error', async (t) => {
  const folder = folderWith(t, {
    'rules/a.yaml': TRIED.replace('channel: email', 'channel: webhook'),
    'templates/cart/webhook.liquid': '{ "name": {{ profile.name }} }',
    'templates/fine/webhook.liquid': '{ "name": {{ profile.name | json }} }',
  });
  const { code, out } = await check(folder, '.');
  assert.equal(code, 1);
  const text = 'with the data of the test "mails" it does not give JSON: write values as {{ name | json }}';
  assert.ok(out.startsWith(`templates/cart/webhook.liquid: ${text}\n`), out);
  assert.doesNotMatch(out, /fine/);
});

test('a flow that may wait longer than the configuration keeps its records is warned of', async (t) => {
  const rule = `id: a
when: { event: signup }
then: [{ wait: 12d }, { send: { channel: webhook } }]
`;
  const config = (kept: string) => `application: a
sources: [{ topic: events, format: segment }]
rules: ./rules
deliveredElsewhere: [webhook]
topics: { retention: { public: ${kept} } }
`;
  const short = folderWith(t, { 'rules/a.yaml': rule, 'tripline.yaml': config('10d') });
  const { code, out } = await check(short, 'rules', '-c', 'tripline.yaml');
  assert.equal(code, 0);
  assert.match(out, /rules\/a.yaml:3:16: flows may have waited 12d after this, and their records are kept for 10d/);
  const long = folderWith(t, { 'rules/a.yaml': rule, 'tripline.yaml': config('forever') });
  assert.match((await check(long, 'rules', '-c', 'tripline.yaml')).out, / 0 errors, 0 warnings\n$/);
});
