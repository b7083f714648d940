import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { GateContext } from '../../../rules/gates/gate.ts';
import { isHeldOut, parseShare } from '../../../rules/gates/held-out.ts';
import { GATES } from '../../../rules/gates/index.ts';
import { parseTimeOfDay, quietUntil } from '../../../rules/gates/quiet-hours.ts';
import { parseZone } from '../../../rules/language/zone.ts';
import type { CompiledRule } from '../../../rules/project/compiled-rule.ts';
import { NO_CONTEXT } from '../../../rules/project/context.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { holds } from '../../invariants/property.ts';
import { candidateOf, compiled, errorsOf, gateOf } from '../kit.ts';

const BARE = 'id: a\nwhen: { event: e }\n';

function reasonsOf(rule: CompiledRule): string[] {
  return rule.gates.map(({ reason }) => reason);
}

test('the gates that a rule names are asked in the order of the list, whatever the order in the file', () => {
  const rule = compiled(`${BARE}review: event.properties.value > 100.0
quietHours: { from: "21:00", to: "08:30", timezone: Europe/Berlin }
limit: [{ max: 1, per: 1d }]
exclusive: checkout
cooldown: 1h
if: event.properties.value > 1.0
holdout: { share: 12.5%, group: checkout }
audience: profile.plan != null
then: [{ send: { channel: webhook } }, { wait: 1h }]`);
  assert.deepEqual(
    reasonsOf(rule),
    GATES.map(({ reason }) => reason),
  );
});

test('a rule that sends nothing asks nobody for caps, consent, reach or quiet hours', () => {
  const rule = compiled(`${BARE}quietHours: { from: "21:00", to: "08:00" }`);
  assert.deepEqual(reasonsOf(rule), ['disabled', 'global-holdout', 'stale']);
});

test('quiet hours are those of profile.timezone unless the rule says otherwise, and need the profile then', () => {
  const quiet = 'quietHours: { from: "21:00", to: "08:00" }\nthen: [{ send: { channel: webhook } }]';
  const rule = compiled(BARE + quiet);
  assert.equal(rule.needs.profile, true);
  const gate = gateOf(rule, 'quiet-hours');
  const refusalIn = (timezone: string, at: number) =>
    gate.refusal(candidateOf(rule, at, { profile: { timezone } }))?.until ?? null;
  const noon = Date.UTC(2026, 0, 1, 12);
  assert.equal(refusalIn('Asia/Tokyo', noon), Date.UTC(2026, 0, 1, 23));
  assert.equal(refusalIn('Europe/Berlin', noon), null);
});

test('tcpa-us is quiet before 8 and from 21 h at the recipient, from 20 h in the states that say so', () => {
  const rule = compiled(`${BARE}quiet: tcpa-us\nthen: [{ send: { channel: webhook } }]`);
  assert.equal(rule.needs.profile, true);
  const gate = gateOf(rule, 'quiet-hours');
  const until = (profile: JsonObject, at: number) => gate.refusal(candidateOf(rule, at, { profile }))?.until ?? null;
  const local = (hour: number, minute = 0) => Date.UTC(2026, 0, 2, hour + 5, minute);
  const newYork = { timezone: 'America/New_York' };
  assert.equal(until(newYork, local(7, 59)), local(8));
  assert.equal(until(newYork, local(8)), null);
  assert.equal(until(newYork, local(20, 59)), null);
  assert.equal(until(newYork, local(21)), local(32));
  for (const state of ['FL', 'florida ', 'OK']) assert.equal(until({ ...newYork, state }, local(20)), local(32), state);
  assert.equal(until({ ...newYork, state: 'FL' }, local(19, 59)), null);
  assert.equal(until({ ...newYork, state: 'NY' }, local(20)), null);
  assert.match(errorsOf(`${BARE}quiet: tcpa-us\nquietHours: { from: "21:00", to: "08:00" }`)[0]!, /in the place of/);
});

test('mistakes in gates are reported', () => {
  const mistakes: Readonly<Record<string, string>> = {
    'audience: event.event == "x"':
      '3:11: "event" is not known here (the audience says for whom the rule is, not what happened: use if)',
    'audience: "1"': '3:12: a condition must be true or false, this is int (compare it with something)',
    'holdout: 120%': '3:10: a share is at most 100%, not 120%',
    'holdout: { share: 10% }': '3:10: "holdout" needs "group"',
    'quietHours: { from: "21:00", to: "25:00" }': '3:34: "to" cannot be "25:00"',
    'quietHours: { from: "00:00", to: "24:00" }':
      '3:13: quiet hours must begin and end at different times of day (enabled: false silences a rule)',
    'quietHours: { from: "21:00", to: "08:00", timezone: Mars/Base }':
      '3:53: "Mars/Base" is neither a time zone nor an attribute (such as profile.timezone, Europe/Berlin or UTC)',
    'review: evnt.x': '3:9: unknown name "evnt" (did you mean "event"?)',
  };
  for (const [field, expected] of Object.entries(mistakes)) {
    const [first] = errorsOf(BARE + field);
    assert.ok(first?.startsWith(`rule.yaml:${expected}`), `${field}: ${first}`);
  }
});

describe('hold-out', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `user/u${i}`);
  const heldOut = (text: string, group: string) =>
    keys.filter((key) => isHeldOut({ share: parseShare(text)!, group }, key));

  test('holds out about its share, the same entities in every run', () => {
    const tenth = heldOut('10%', 'rule a');
    assert.ok(Math.abs(tenth.length - 2_000) < 200, String(tenth.length));
    assert.deepEqual(heldOut('10%', 'rule a'), tenth);
    assert.deepEqual(tenth.slice(0, 3), ['user/u10', 'user/u16', 'user/u31']);
  });

  test('a larger share holds out everyone that a smaller one did (O1), another rule others', () => {
    const larger = new Set(heldOut('20%', 'rule a'));
    assert.ok(heldOut('10%', 'rule a').every((key) => larger.has(key)));
    const both = heldOut('10%', 'rule b').filter((key) => isHeldOut({ share: 0.1, group: 'rule a' }, key));
    assert.ok(both.length < 400, String(both.length));
  });

  test('0 % is nobody and 100 % is everybody', () => {
    assert.equal(heldOut('0%', 'x').length, 0);
    assert.equal(heldOut('100%', 'x').length, keys.length);
    assert.equal(parseShare('101%'), null);
  });
});

describe('the hold-out over all rules', () => {
  const rule = compiled(`${BARE}category: news`);
  const gate = gateOf(rule, 'global-holdout');
  const holdout = (share: number, exempt: string[] = [], entity = 'user') => {
    return { name: 'all', group: 'group all', share, exempt: new Set(exempt), entity };
  };
  const candidateWith = (around: Partial<GateContext>) => {
    return candidateOf(rule, 1, {}, { around: { ...NO_CONTEXT, ...around } });
  };

  test('is not asked where there is none, nor in inline tests, and then says nothing', () => {
    for (const around of [{}, { holdouts: [holdout(1)], withHoldouts: false }]) {
      const candidate = candidateWith(around);
      assert.equal(gate.isAsked!(candidate), false);
      assert.deepEqual(gate.values!(candidate), {});
    }
  });

  test('refuses for good whoever is in a group, and says of which', () => {
    const candidate = candidateWith({ holdouts: [holdout(0), holdout(1)] });
    assert.equal(gate.isAsked!(candidate), true);
    assert.deepEqual(gate.refusal(candidate), { until: null });
    assert.deepEqual(gate.values!(candidate), { 'global-holdout': 'all' });
    assert.equal(gate.words(candidate, true), 'this one is in the group "all", which no rule treats');
    assert.equal(gate.words(candidate, false), null);
  });

  test('lets through exempt categories, those that must be said (W2), and other entities', () => {
    const passing: Partial<GateContext>[] = [
      { holdouts: [holdout(1, ['news'])] },
      { holdouts: [holdout(1)], always: new Set(['news']) },
      { holdouts: [holdout(1, [], 'device'), holdout(1, [], 'use')] },
    ];
    for (const around of passing) assert.equal(gate.refusal(candidateWith(around)), null);
  });
});

describe('quiet hours', () => {
  const MINUTE = 60_000;
  const DAY = 86_400_000;
  const format = new Map<string, Intl.DateTimeFormat>();

  /** Minutes since the local midnight, asked of Intl alone. */
  function minuteOfDay(at: number, zone: string): number {
    let known = format.get(zone);
    if (known === undefined) {
      known = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        hour: 'numeric',
        minute: 'numeric',
      });
      format.set(zone, known);
    }
    const parts = known.formatToParts(at);
    const value = (type: string): number => Number(parts.find((part) => part.type === type)!.value);
    return value('hour') * 60 + value('minute');
  }

  /** Minute by minute. */
  function byBruteForce(from: number, to: number, at: number, zone: string): number | null {
    const isQuiet = (moment: number): boolean => {
      const minute = minuteOfDay(moment, zone);
      return from < to ? minute >= from && minute < to : minute >= from || minute < to;
    };
    if (!isQuiet(at)) return null;
    let moment = Math.floor(at / MINUTE) * MINUTE;
    while (isQuiet(moment)) moment += MINUTE;
    return moment;
  }

  /** Around the changes of each zone in 2026, where there are any. */
  const places: readonly (readonly [string, readonly number[]])[] = [
    ['Europe/Berlin', [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)]],
    ['America/New_York', [Date.UTC(2026, 2, 8, 7), Date.UTC(2026, 10, 1, 6)]],
    ['Australia/Lord_Howe', [Date.UTC(2026, 3, 4, 15), Date.UTC(2026, 9, 3, 15, 30)]],
    ['Asia/Kathmandu', [Date.UTC(2026, 5, 1)]],
    ['UTC', [Date.UTC(2026, 5, 1)]],
  ];
  const moment = fc
    .constantFrom(...places)
    .chain(([zone, changes]) =>
      fc.tuple(fc.constant(zone), fc.constantFrom(...changes), fc.integer({ min: -DAY, max: DAY })),
    )
    .map(([zone, change, offset]) => ({ zone, at: change + offset }));
  const time = fc.integer({ min: 0, max: 24 * 60 - 1 });

  holds(
    'quiet hours end as a walk minute by minute says, over changes of the clock too (H1, H2)',
    300,
    fc.tuple(moment, time, time).filter(([, from, to]) => from !== to),
    async ([{ zone, at }, from, to]) => {
      const quiet = { fromMs: from * MINUTE, toMs: to * MINUTE };
      assert.equal(quietUntil(quiet, at, zone), byBruteForce(from, to, at, zone));
    },
  );

  test('where the clock is put forward over their end, they end with the change', () => {
    const quiet = { fromMs: parseTimeOfDay('22:00')!, toMs: parseTimeOfDay('02:30')! };
    assert.equal(quietUntil(quiet, Date.UTC(2026, 2, 29, 0, 30), 'Europe/Berlin'), Date.UTC(2026, 2, 29, 1));
  });

  test('where it is put back, hours that come twice are quiet twice', () => {
    const quiet = { fromMs: parseTimeOfDay('22:00')!, toMs: parseTimeOfDay('02:30')! };
    const first = Date.UTC(2026, 9, 25, 0, 10);
    assert.equal(quietUntil(quiet, first, 'Europe/Berlin'), Date.UTC(2026, 9, 25, 0, 30));
    assert.equal(quietUntil(quiet, first + 60 * MINUTE, 'Europe/Berlin'), Date.UTC(2026, 9, 25, 1, 30));
  });
});

test('a zone is that of the attribute, UTC where it is unset or none (Z1)', () => {
  const zone = parseZone('profile.tz')!;
  assert.equal(zone.of({ tz: 'Europe/Berlin' }), 'Europe/Berlin');
  for (const profile of [{}, { tz: null }, { tz: 5 }, { tz: 'Nowhere' }]) assert.equal(zone.of(profile), 'UTC');
  assert.equal(parseZone('profile.a.b'), null);
  assert.equal(parseZone('Asia/Tokyo')!.of({ timezone: 'UTC' }), 'Asia/Tokyo');
});
