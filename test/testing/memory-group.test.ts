import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { FakeClock } from '../../testing/fake-clock.ts';
import { openMemoryLog } from '../../testing/memory-log.ts';
import type { MemoryMember } from '../../testing/memory-member.ts';
import { type GroupUnderTest, groupSuite, leaderSuite } from '../contract/group.suite.ts';
import type { Cleanup } from '../contract/log-kit.ts';

const STEP_MS = 50;
/** A minute: longer than any wait of the suite. */
const STEPS_MAX = 1_200;

async function open(t: Cleanup): Promise<GroupUnderTest> {
  const clock = new FakeClock();
  const log = openMemoryLog({ clock });
  t.after(() => log.close());
  await log.admin.createTopics([{ topic: 'events', partitions: 4 }]);
  return {
    group: 'group',
    topic: 'events',
    worker: () => {
      const members: MemoryMember[] = [];
      return {
        log,
        openMember: (options) => {
          const member = log.openMember(options);
          members.push(member);
          return member;
        },
        freeze: () => {
          for (const member of members) member.freeze();
        },
        thaw: () => {
          for (const member of members) member.thaw();
        },
      };
    },
    until: async (what, condition) => {
      const start = clock.now();
      for (let step = 0; !condition(); step++) {
        assert.ok(step < STEPS_MAX, `not within a minute: ${what}`);
        await setImmediate();
        if (!condition()) await clock.advance(STEP_MS);
      }
      return clock.now() - start;
    },
    pass: async (ms) => {
      for (let passed = 0; passed < ms; passed += STEP_MS) {
        await setImmediate();
        await clock.advance(STEP_MS);
      }
    },
  };
}

groupSuite('memory group', open);
leaderSuite('memory group', open);
