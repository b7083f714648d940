import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consentChangeOf, proofOfConsent } from '../../../schemas/consent-change.ts';
import { importedConsent } from '../../../services/consent/import.ts';

test('a list of who said no becomes changes of consent, one of dead addresses suppressions', () => {
  const text = `userId,all,category:promotions,channel:sms,timestamp,email,reason
u1,false,,,2026-01-01T00:00:00Z,,
u2,,no,yes,,,
u3,true,,,,"x@y.test",bounce
,,,,,z@y.test,
`;
  assert.deepEqual(importedConsent('old.csv', text, 'import of old.csv'), {
    changes: [
      { userId: 'u1', all: false, timestamp: '2026-01-01T00:00:00Z', source: 'import of old.csv' },
      { userId: 'u2', categories: { promotions: false }, channels: { sms: true }, source: 'import of old.csv' },
      { userId: 'u3', all: true, source: 'import of old.csv' },
    ],
    suppressions: [
      { kind: 'email', address: 'x@y.test', reason: 'bounce', at: null },
      { kind: 'email', address: 'z@y.test', reason: 'opt-out', at: null },
    ],
  });
});

test('a row that says nothing, or something else, is named', () => {
  for (const [text, message] of [
    ['user,colour\nu1,red', /^f\.csv:1: unknown column "colour"/],
    ['user,all\nu1,maybe', /^f\.csv:2: consent is true or false/],
    ['user,all\nu1,', /^f\.csv:2: nothing is said/],
    ['email,reason\nx@y.test,whim', /^f\.csv:2: the reason is none of/],
    ['user,email\n,', /^f\.csv:2: the row names neither/],
    ['', /^f\.csv:1: the file has no header/],
  ] as const) {
    assert.throws(() => importedConsent('f.csv', text, 's'), { code: 'TRG_FILE_UNREADABLE', message }, text);
  }
});

test('a change of consent is checked to the last field, and has a time', () => {
  assert.deepEqual(consentChangeOf({ userId: 7, all: false }, 0), {
    userId: '7',
    all: false,
    timestamp: '1970-01-01T00:00:00.000Z',
  });
  for (const [body, message] of [
    [{ all: false }, /userId/],
    [{ userId: 'u' }, /nothing is said/],
    [{ userId: 'u', all: 'no' }, /"all"/],
    [{ userId: 'u', categories: { a: 'no' } }, /"categories"/],
    [{ userId: 'u', all: true, timestamp: 'yesterday' }, /"timestamp"/],
    [{ userId: 'u', all: true, colour: 1 }, /unknown field "colour"/],
    ['text', /JSON object/],
  ] as const) {
    assert.throws(() => consentChangeOf(body as never, 0), { code: 'TRG_RECORD_INVALID', message });
  }
});

test('a row says when that was asked for which was confirmed, and a change of anybody else cannot', () => {
  const csv = 'userId,category:news,timestamp,requestedAt\nu1,true,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z\n';
  const [change] = importedConsent('old.csv', csv, 'import').changes;
  assert.equal(proofOfConsent(change!, 0).requestedAt, '2026-01-01T00:00:00.000Z');
  assert.throws(() => consentChangeOf(change!, 0), { code: 'TRG_RECORD_INVALID', message: /"requestedAt"/ });
  assert.throws(() => proofOfConsent({ ...change!, requestedAt: 'then' }, 0), /"requestedAt" must be a time/);
});
