import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Phase } from '../../../rules/flows/assignment.ts';
import {
  type Assignment,
  type Conversion,
  type ExperimentRecords,
  experimentReport,
  type Open,
} from '../../../services/experiments/report.ts';
import { holds } from '../../invariants/property.ts';

const phaseOf = (phase: number, since: number, plain: number, coupon: number): Phase => {
  const variants = [
    { name: 'plain', weight: plain },
    { name: 'coupon', weight: coupon },
  ];
  return { phase, since, variants };
};
const EVEN = [phaseOf(1, 0, 1, 1)];
const assigned = (entity: string, variant: string, at = 10, phase = 1): Assignment => ({ entity, variant, phase, at });

/** `count` people of a variant, the first `converted` of whom reach the goal. */
function group(
  variant: string,
  count: number,
  converted: number,
  phase = 1,
): Required<Omit<ExperimentRecords, 'phases' | 'opens'>> {
  const ids = Array.from({ length: count }, (_, i) => `user/${phase}-${variant}-${i}`);
  return {
    assignments: ids.map((id) => assigned(id, variant, 10, phase)),
    conversions: ids.slice(0, converted).map((entity) => ({ entity, at: 20 })),
  };
}

function recordsOf(phases: readonly Phase[], ...groups: readonly ReturnType<typeof group>[]): ExperimentRecords {
  return {
    phases,
    assignments: groups.flatMap(({ assignments }) => [...assignments]),
    conversions: groups.flatMap(({ conversions }) => [...conversions]),
    opens: [],
  };
}

test('a report has counts, rates, the lift with its interval, phases, and whether people came as planned', () => {
  const report = experimentReport(recordsOf(EVEN, group('plain', 2_000, 200), group('coupon', 2_040, 306)));
  assert.equal(report.control, 'plain');
  assert.equal(report.people, 4_040);
  const [plain, coupon] = report.variants;
  assert.deepEqual([plain!.people, plain!.converted, plain!.rate, plain!.comparison], [2_000, 200, 0.1, null]);
  assert.deepEqual([coupon!.people, coupon!.converted, coupon!.rate], [2_040, 306, 0.15]);
  assert.ok(coupon!.rateInterval.low < 0.15 && coupon!.rateInterval.low > 0.13);
  const { difference, lift } = coupon!.comparison!;
  assert.deepEqual([difference.estimate.toFixed(6), lift.estimate.toFixed(6)], ['0.050000', '0.500000']);
  assert.ok(difference.low > 0 && lift.low > 0 && lift.high < 1);
  assert.deepEqual(report.phases, [
    {
      phase: 1,
      since: 0,
      variants: [
        { name: 'plain', share: 0.5, people: 2_000 },
        { name: 'coupon', share: 0.5, people: 2_040 },
      ],
    },
  ]);
  assert.equal(report.sampleRatio.verdict, 'as-planned');
  assert.deepEqual([report.reassigned, report.machineOpens], [0, 0]);
});

test('people who are lost in one variant are a mismatch', () => {
  const { sampleRatio } = experimentReport(recordsOf(EVEN, group('plain', 5_000, 1), group('coupon', 4_500, 1)));
  assert.equal(sampleRatio.verdict, 'mismatch');
  assert.ok(sampleRatio.pValue < 1e-6);
});

test('of a handful of people nothing is said', () => {
  const report = experimentReport(recordsOf(EVEN, group('plain', 2, 0), group('coupon', 1, 1)));
  assert.equal(report.sampleRatio.verdict, 'too-few-people');
  assert.equal(report.variants[1]!.comparison, null);
  const nobody = experimentReport(recordsOf(EVEN));
  assert.deepEqual(
    [nobody.people, nobody.variants[0]!.rate, nobody.variants[1]!.rateInterval],
    [0, null, { low: 0, high: 1 }],
  );
});

test('a goal that was reached before the assignment, or at the same moment, is not its doing (R2)', () => {
  const assignments = ['user/a', 'user/b', 'user/c'].map((id) => assigned(id, 'plain', 10));
  const conversions = [9, 10, 11].map((at, i) => ({ entity: `user/${'abc'[i]}`, at }));
  const stranger = { entity: 'user/z', at: 30 };
  const report = experimentReport({
    phases: EVEN,
    assignments,
    conversions: [...conversions, stranger, stranger],
    opens: [],
  });
  assert.equal(report.variants[0]!.converted, 1);
});

test('machines open nothing (R2)', () => {
  const opens: Open[] = [
    { entity: 'user/a', at: 20, isMachine: true },
    { entity: 'user/a', at: 21, isMachine: true },
    { entity: 'user/b', at: 20, isMachine: true },
    { entity: 'user/b', at: 25, isMachine: false },
    { entity: 'user/b', at: 26, isMachine: false },
    { entity: 'user/c', at: 5, isMachine: false },
  ];
  const assignments = ['user/a', 'user/b', 'user/c'].map((id) => assigned(id, 'coupon'));
  const report = experimentReport({ phases: EVEN, assignments, conversions: [], opens });
  assert.equal(report.variants[1]!.opened, 1);
  assert.equal(report.machineOpens, 3);
});

test('a person counts once, for its first variant, whatever came later (R1)', () => {
  const phases = [...EVEN, { phase: 2, since: 50, variants: [{ name: 'plain', weight: 1 }] }];
  const assignments = [
    assigned('user/a', 'plain', 60, 2),
    assigned('user/a', 'coupon', 10),
    assigned('user/a', 'coupon', 30),
    assigned('user/b', 'plain', 12),
    assigned('user/b', 'plain', 70),
    // Of phases and variants that there are not.
    assigned('user/c', 'gone', 12),
    assigned('user/d', 'plain', 12, 9),
  ];
  const report = experimentReport({ phases, assignments, conversions: [{ entity: 'user/a', at: 70 }], opens: [] });
  assert.deepEqual(
    report.variants.map(({ name, people, converted }) => [name, people, converted]),
    [
      ['plain', 1, 0],
      ['coupon', 1, 1],
    ],
  );
  assert.equal(report.reassigned, 1);
});

test('a change of weights is no mismatch, and rates that changed with it are no effect (R3)', () => {
  const phases = [phaseOf(1, 0, 9, 1), phaseOf(2, 50, 1, 9)];
  const report = experimentReport(
    recordsOf(
      phases,
      ...[group('plain', 900, 180), group('coupon', 100, 20)],
      ...[group('plain', 100, 5, 2), group('coupon', 900, 45, 2)],
    ),
  );
  assert.equal(report.sampleRatio.pValue, 1);
  assert.ok(Math.abs(report.variants[1]!.comparison!.difference.estimate) < 1e-12);
  assert.deepEqual(
    report.variants.map(({ rate }) => rate),
    [0.185, 0.065],
  );
});

const at = fc.integer({ min: 0, max: 9 });
const entity = fc.constantFrom('user/a', 'user/b', 'user/c');
const records = fc.record({
  assignments: fc.array(
    fc.record<Assignment>({ entity, at, variant: fc.constantFrom('plain', 'coupon'), phase: fc.constantFrom(1, 2) }),
    { maxLength: 9 },
  ),
  conversions: fc.array(fc.record<Conversion>({ entity, at })),
  opens: fc.array(fc.record<Open>({ entity, at, isMachine: fc.boolean() })),
});

holds('the order of the records does not matter (R4)', 200, records, async ({ assignments, conversions, opens }) => {
  const phases = [phaseOf(1, 0, 1, 1), phaseOf(2, 5, 1, 3)];
  const turned = {
    assignments: assignments.toReversed(),
    conversions: conversions.toReversed(),
    opens: opens.toReversed(),
  };
  assert.deepEqual(
    experimentReport({ phases, ...turned }),
    experimentReport({ phases, assignments, conversions, opens }),
  );
});
