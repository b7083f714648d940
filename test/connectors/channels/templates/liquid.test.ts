import assert from 'node:assert/strict';
import test from 'node:test';
import { compileLiquid, type LiquidSyntaxError } from '../../../../connectors/channels/templates/liquid.ts';

function failureOf(source: string, scope: Readonly<Record<string, unknown>> = {}): string {
  try {
    return `rendered: ${compileLiquid(source, 'none').render(scope).slice(0, 40)}`;
  } catch (error) {
    return `${(error as { code?: string }).code} ${(error as Error).message}`;
  }
}

test('a template that would never end is stopped (Q1)', () => {
  const started = performance.now();
  const loops = '{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}';
  assert.equal(failureOf(loops), 'TRG_TEMPLATE_FAILED template: template render limit exceeded');
  assert.ok(performance.now() - started < 5_000);
});

test('a template that would fill the memory is stopped (Q1)', () => {
  const doubling = '{% assign a = "xxxxxxxxxx" %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}';
  assert.equal(failureOf(doubling), 'TRG_TEMPLATE_FAILED template: memory alloc limit exceeded');
  assert.equal(
    failureOf('{% for i in (1..99999999999) %}{% endfor %}'),
    'TRG_TEMPLATE_FAILED template: memory alloc limit exceeded',
  );
});

test('a template gives a bounded text (Q1)', () => {
  const text = 'x'.repeat(30_000);
  assert.match(
    failureOf('{% for i in (1..50) %}{{ text }}{% endfor %}', { text }),
    /gives 1500000 characters, at most 1048576/,
  );
});

test('a template reaches nothing but its scope', () => {
  const text = compileLiquid('[{{ constructor }}{{ a.constructor.name }}{{ a.toString }}{{ a.__proto__ }}]', 'none');
  assert.equal(text.render({ a: { b: 1 } }), '[]');
});

test('tags that reach for other files are not known', () => {
  for (const tag of ['include', 'render', 'layout', 'block']) {
    assert.throws(() => compileLiquid(`{% ${tag} "other" %}`, 'none'), {
      name: 'LiquidSyntaxError',
      message: `the tag "${tag}" is not available`,
    });
  }
});

test('what is missing renders as nothing, and dates as UTC', () => {
  const text = compileLiquid('[{{ a.b.c }}] {{ at | date: "%Y-%m-%d %H:%M" }}', 'none');
  assert.equal(text.render({ at: '2026-01-02T10:00:00.000Z' }), '[] 2026-01-02 10:00');
});

test('what is shown and missing is told as it is written, in order, and what is only asked for is not (Q3)', () => {
  const source =
    '{{ profile.nmae }} {{ data.list[0].x }} {{ a }}{% if b %}{{ c }}{% endif %}{{ d | default: "D" }}' +
    '{% assign e = profile.e %}{{ e }}{% for item in items %}{{ item.y }}{{ item.z }}{% endfor %}{{ profile[secret] }} {{ profile.nmae }}';
  const scope = { profile: {}, data: { list: [] }, a: null, items: [{ y: 1 }, { y: 2 }], secret: 'ann@example.com' };
  const { text, missing } = compileLiquid(source, 'none').output(scope);
  assert.equal(text, '  D12 ');
  assert.deepEqual(missing, ['profile.nmae', 'data.list[0].x', 'a', 'e', 'item.z', 'profile[secret]']);
  assert.deepEqual(
    compileLiquid('{{ a.b }}{{ zero }}{{ no }}{{ text }}', 'none').output({
      a: { b: 1 },
      zero: 0,
      no: false,
      text: '',
    }),
    {
      text: '10false',
      missing: [],
    },
  );
});

test('no more than ten missing things are told, and the text is whole all the same', () => {
  const names = Array.from({ length: 20 }, (_, i) => `x${i}`);
  const { text, missing } = compileLiquid(`${names.map((name) => `{{ ${name} }}`).join('')}end`, 'none').output({});
  assert.deepEqual([text, missing], ['end', names.slice(0, 10)]);
});

test('a long template with something missing still ends in time (Q1)', () => {
  const started = performance.now();
  const loops = '{{ gone }}{{ away }}{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}';
  assert.equal(failureOf(loops), 'TRG_TEMPLATE_FAILED template: template render limit exceeded');
  assert.ok(performance.now() - started < 5_000);
});

test('mistakes are told in the words of all others, with what mends them', () => {
  const said = (source: string): string => {
    try {
      compileLiquid(source, 'none');
      return 'nothing';
    } catch (error) {
      const { message, hint, line, column } = error as LiquidSyntaxError;
      return `${line}:${column} ${message} (${hint})`;
    }
  };
  assert.deepEqual(
    [
      'a {{ name',
      '{% if x',
      '{% for x in y %}',
      '{{ x | upcas }}',
      '{% fro x in y %}',
      '{% include "other" %}',
      'a{% endif %}',
      'a{% else %}',
      '{% for x %}{% endfor %}',
      '{% assign x = %}',
      '{{ x | truncate 20 }}',
    ].map(said),
    [
      '1:3 "{{ name" is not closed (what is shown ends with }})',
      '1:1 "{% if x" is not closed (a tag ends with %})',
      '1:1 {% for x in y %} is not closed (add {% endfor %})',
      '1:1 unknown filter "upcas" (did you mean "upcase"?)',
      '1:1 unknown tag "fro" (did you mean "for"?)',
      '1:1 the tag "include" is not available (a template is one file, and reaches for no other)',
      '1:2 {% endif %} closes nothing (there is no {% if %} before it that is open)',
      '1:2 {% else %} belongs to nothing (it stands within {% if %} or {% case %})',
      '1:1 {% for x %} says too little, or too much (such as {% for item in data.items %})',
      '1:14 a value is missing here (such as data.name, "text" or 5)',
      '1:17 a filter has its values after a colon (such as | truncate: 20)',
    ],
  );
});

test('rendering leaves the scope as it was', () => {
  const scope = { data: { n: 1 } };
  compileLiquid('{% assign data = 5 %}{% increment n %}{{ data }}', 'none').render(scope);
  assert.deepEqual(scope, { data: { n: 1 } });
});
