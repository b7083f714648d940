import assert from 'node:assert/strict';
import test from 'node:test';
import { compileLiquid } from '../../../../connectors/channels/templates/liquid.ts';

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
      message: `tag "${tag}" not found`,
    });
  }
});

test('what is missing renders as nothing, and dates as UTC', () => {
  const text = compileLiquid('[{{ a.b.c }}] {{ at | date: "%Y-%m-%d %H:%M" }}', 'none');
  assert.equal(text.render({ at: '2026-01-02T10:00:00.000Z' }), '[] 2026-01-02 10:00');
});

test('rendering leaves the scope as it was', () => {
  const scope = { data: { n: 1 } };
  compileLiquid('{% assign data = 5 %}{% increment n %}{{ data }}', 'none').render(scope);
  assert.deepEqual(scope, { data: { n: 1 } });
});
