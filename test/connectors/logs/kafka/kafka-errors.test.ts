// What the library's errors mean for the caller, without a broker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthenticationError, NetworkError, ProtocolError, ResponseError } from '@platformatic/kafka';
import { engineErrorOf, isTransient, isUnanswered } from '../../../../connectors/logs/kafka/kafka-errors.ts';
import { noteRequest } from '../../../../connectors/logs/kafka/refusal.ts';
import { FatalError, RetryableError } from '../../../../lib/errors.ts';

const codeOf = (error: unknown) => {
  const { name, code } = engineErrorOf(error, 'to test') as Error & { code: string };
  return `${name} ${code}`;
};

test('a connection that broke amid a log-in is tried again; a log-in that was refused is not', () => {
  const broken = new NetworkError('closed', {
    cause: new AuthenticationError('no mechanism', { cause: new NetworkError('reset') }),
  });
  assert.equal(isTransient(broken), true);
  assert.equal(codeOf(broken), 'RetryableError TRG_LOG_UNREACHABLE');
  const tooSoon = new NetworkError('closed', {
    cause: new AuthenticationError('no mechanism', { cause: new ProtocolError('ILLEGAL_SASL_STATE') }),
  });
  assert.equal(isTransient(tooSoon), true);
  const refused = new NetworkError('closed', {
    cause: new AuthenticationError('failed', { cause: new ProtocolError('SASL_AUTHENTICATION_FAILED') }),
  });
  assert.equal(isTransient(refused), false);
  assert.equal(codeOf(refused), 'FatalError TRG_LOG_DENIED');
});

test('a token that cannot be had just now is waited for; a client that is refused one is not', () => {
  const tokenError = (cause: Error) =>
    new NetworkError('closed', { cause: new AuthenticationError('token', { cause }) });
  const away = tokenError(new RetryableError('TRG_LOG_UNREACHABLE', 'the token endpoint is away'));
  assert.equal(codeOf(away), 'RetryableError TRG_LOG_UNREACHABLE');
  const never = engineErrorOf(tokenError(new FatalError('TRG_LOG_DENIED', 'invalid_client')), 'to test') as Error;
  assert.match(never.message, /log-in \(invalid_client\)/);
});

test('an error that is its own cause, or whose parts share one, is understood all the same', () => {
  const own = new NetworkError('closed');
  own.cause = own;
  assert.equal(isUnanswered(own), true);
  const shared = new AggregateError([own, new NetworkError('closed', { cause: own })], 'none of them');
  assert.equal(isTransient(shared), true);
});

test('a certificate that is not trusted is no outage', () => {
  const cause = Object.assign(new Error('self-signed'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
  assert.equal(codeOf(new NetworkError('failed', { cause })), 'FatalError TRG_LOG_DENIED');
});

test('a refusal names each right with what it is on, from the answer or from what was asked', () => {
  const answer = { results: [{ name: 'a' }, { topicName: 'b' }] };
  const errors = { '/results/0': [29, null], '/results/1': [29, null] } as never;
  const topics = noteRequest(new ResponseError(0 as never, 9, errors, answer), 0);
  assert.match(
    (engineErrorOf(topics, 'to write') as Error).message,
    /lacks Write on topic a, Write on topic b to write/,
  );
  const group = noteRequest(new ProtocolError('GROUP_AUTHORIZATION_FAILED'), 11);
  assert.match(
    (engineErrorOf(group, 'to join', { group: 'shop' }) as Error).message,
    /lacks Read on group shop to join/,
  );
});

test('a broker that fails for a reason of its own is asked by the next life, since it may have done what it was asked', () => {
  const failed = new ResponseError(0 as never, 3, { '/': [-1, null] }, {});
  assert.equal(isTransient(failed), false);
  assert.equal(codeOf(failed), 'RetryableError TRG_LOG_UNREACHABLE');
});
