import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuleMemories, type RuleMemory } from '../../../state/entity/rule-memories.ts';

const memoryOf = (rule: string): RuleMemory => ({ rule, fired: [], forgotten: -1, instances: [] });
const step = fc.record({ kind: fc.constantFrom('add', 'delete', 'get'), rule: fc.nat(40).map(String) });

test('few or many, they are found, kept and gone through as those of a map are', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const memories = new RuleMemories();
      const expected = new Map<string, RuleMemory>();
      for (const { kind, rule } of steps) {
        if (kind === 'add' && !expected.has(rule)) {
          const memory = memoryOf(rule);
          memories.add(memory);
          expected.set(rule, memory);
        } else if (kind === 'delete') {
          memories.delete(rule);
          expected.delete(rule);
        }
        assert.equal(memories.get(rule), expected.get(rule));
        assert.equal(memories.size, expected.size);
        assert.deepEqual(memories.values(), [...expected.values()]);
      }
    }),
  );
});
