import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cappedMessages } from '../../../rules/gates/cap.ts';
import { groupHolds } from '../../../rules/gates/exclusive.ts';
import * as binary from '../../../schemas/binary.ts';
import { Event } from '../../../schemas/event.ts';
import type { StateCodec } from '../../../schemas/section.ts';
import { heldCandidates } from '../../../state/entity/candidates.ts';
import { entityDocumentSpec } from '../../../state/entity/codec.ts';
import { type EntityDocument, emptyEntityDocument, sectionsDue } from '../../../state/entity/document.ts';
import { EventTimes } from '../../../state/entity/event-times.ts';
import { accountFacts, consentFacts, historyFacts, scoreFacts, sentFacts } from '../../../state/entity/facts.ts';
import { membership } from '../../../state/entity/membership.ts';
import { addWait, takeWaits, waitsOf, waitsOfKind } from '../../../state/entity/waits.ts';
import { documentBytes, documentOf } from '../../../state/store/stored-document.ts';
import { check } from '../../rules/kit.ts';

const { ruleSet } = check('id: views\nwhen: { event: view }');
const spec = entityDocumentSpec(() => ruleSet);
const again = (doc: EntityDocument): EntityDocument => documentOf(spec, documentBytes(spec, doc));

const paid = new Event({
  messageId: 'm1',
  type: 'track',
  event: 'paid',
  userId: 'u1',
  anonymousId: null,
  time: 5,
  properties: { value: 3 },
});

test('all that is known beside the profile is read back as it was written', () => {
  const doc = emptyEntityDocument();
  const { sections } = doc;
  const account = new Map([['plan', { value: 'pro', at: 3 }]]);
  const consent = [{ about: 'promotions', yesAt: 3, confirmedAt: 2, noAt: 4 }];
  const views = new EventTimes();
  for (const time of [7, 5, 7]) views.add(time, 1_000);
  const lanes = [
    { lane: 'arrival', evaluatedAt: 9, changesAt: Infinity, members: [{ segment: 'vip', since: 8 }] },
    { lane: 'event-time', evaluatedAt: 9, changesAt: 12, members: [] },
  ];
  const capped = { fired: [{ at: 5, category: null, channels: ['email'] }], forgotten: 2 };
  const holds = { holds: [{ group: 'checkout', rule: 'cart', from: 5, until: 5 }], forgotten: -1 };
  const scores = [
    { model: 'churn', value: 0.25, at: 5 },
    { model: 'fraud', value: null, at: 6 },
  ];
  const sent = [{ channel: 'email', at: 3 }];
  sections.put(accountFacts, account);
  sections.put(consentFacts, consent);
  sections.put(historyFacts, new Map([['view', views]]));
  sections.put(membership, lanes);
  sections.put(cappedMessages, capped);
  sections.put(groupHolds, holds);
  sections.put(scoreFacts, scores);
  sections.put(sentFacts, sent);
  const held = { at: 5, events: ['m1'], captures: [{ name: 'order', events: [paid], isList: false }] };
  addWait(sections, heldCandidates['quiet-hours'], {
    rule: 'views',
    due: 50,
    value: { match: { ...held, event: paid }, by: 'a' },
  });
  addWait(sections, heldCandidates.review, {
    rule: 'views',
    due: Infinity,
    value: { match: { ...held, event: null }, by: '' },
  });
  const read = again(doc).sections;
  assert.deepEqual(read.open(accountFacts), account);
  assert.deepEqual(read.open(consentFacts), consent);
  assert.equal(read.open(historyFacts)!.get('view')!.countIn(0, 10), 3);
  assert.deepEqual(read.open(membership), lanes);
  assert.deepEqual(read.open(cappedMessages), capped);
  assert.deepEqual(read.open(groupHolds), holds);
  assert.deepEqual(read.open(scoreFacts), scores);
  assert.deepEqual(read.open(sentFacts), sent);
  const [quiet] = waitsOfKind(read, heldCandidates['quiet-hours']);
  assert.deepEqual([quiet!.rule, quiet!.due, quiet!.value.match.event!.toJson()], ['views', 50, paid.toJson()]);
  assert.deepEqual(quiet!.value.match.captures[0]!.events[0]!.toJson(), paid.toJson());
  const [review] = waitsOfKind(read, heldCandidates.review);
  assert.deepEqual([review!.due, review!.value.match.event], [Infinity, null]);
  assert.equal(sectionsDue(again(doc)), 12);
  assert.equal(spec.dueAt(again(doc)), 12);
  assert.deepEqual(documentBytes(spec, again(doc)), documentBytes(spec, doc));
});

test('what nobody opened is written as the bytes that were read (S1)', () => {
  const doc = emptyEntityDocument();
  doc.sections.put(sentFacts, [{ channel: 'email', at: 3 }]);
  const read = again(doc);
  const unknown: StateCodec<string> = { kind: 'sent', version: 1, ...binary.text };
  unknown.read = () => assert.fail('it was decoded');
  read.sections.put(consentFacts, [{ about: '*', yesAt: -1, confirmedAt: -1, noAt: 1 }]);
  const twice = again(read);
  assert.deepEqual(twice.sections.open(sentFacts), [{ channel: 'email', at: 3 }]);
});

test('consent as version 1 kept it is what was said last, and nothing of it was confirmed', () => {
  const said = [
    { category: 'promotions', allowed: false, at: 4 },
    { category: 'channel:sms', allowed: true, at: 5 },
  ];
  const version1: StateCodec<typeof said> = {
    kind: 'consent',
    version: 1,
    ...binary.list(
      binary.record<(typeof said)[number]>({ category: binary.text, allowed: binary.boolean, at: binary.integer }),
    ),
  };
  const doc = emptyEntityDocument();
  doc.sections.put(version1, said);
  assert.deepEqual(again(doc).sections.open(consentFacts), [
    { about: 'promotions', yesAt: -1, confirmedAt: -1, noAt: 4 },
    { about: 'channel:sms', yesAt: 5, confirmedAt: -1, noAt: -1 },
  ]);
});

test('a section of a version to come is refused, bytes that are none of its kind are damage (S2)', () => {
  const doc = emptyEntityDocument();
  const newer: StateCodec<string> = { kind: 'sent', version: 2, ...binary.text };
  doc.sections.put(newer, 'x');
  assert.throws(() => again(doc).sections.open(sentFacts), { code: 'TRG_STATE_MISMATCH', message: /newer/ });
  const damaged = emptyEntityDocument();
  damaged.sections.put({ kind: 'sent', version: 1, ...binary.text }, 'xxxxxxxxxxxxxxx');
  assert.throws(() => again(damaged).sections.open(sentFacts), { code: 'TRG_STATE_CORRUPT' });
});

test('each kind of wait has its own bound: reviews never crowd out quiet hours (W1)', () => {
  const { sections } = emptyEntityDocument();
  const value = { match: { at: 1, events: [], event: null, captures: [] }, by: '' };
  const add = (kind: 'review' | 'quiet-hours', due: number) =>
    addWait(sections, heldCandidates[kind], { rule: 'views', due, value });
  const reviews = Array.from({ length: 33 }, () => add('review', Infinity));
  assert.deepEqual([reviews.filter(Boolean).length, reviews.at(-1)], [32, false]);
  assert.equal(add('quiet-hours', 7), true);
  assert.deepEqual(
    takeWaits(sections, heldCandidates['quiet-hours'], ({ due }) => due <= 7).map(({ due }) => due),
    [7],
  );
  assert.deepEqual(waitsOf(sections).length, 32);
});

test('what is empty takes no room, and is never due', () => {
  const doc = emptyEntityDocument();
  assert.equal(doc.sections.isEmpty, true);
  assert.equal(sectionsDue(doc), Infinity);
});
