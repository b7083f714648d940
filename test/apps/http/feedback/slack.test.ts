import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { addSlackRoutes, isSlackSignature } from '../../../../apps/http/feedback/slack.ts';
import { HttpClient } from '../../../../connectors/http/http-client.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { decodeCommand } from '../../../../schemas/commands.ts';
import { encodeReviewButton } from '../../../../schemas/review-button.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startSlack } from '../../../../testing/providers/slack.ts';
import { startKit } from '../ingest/kit.ts';

const SECRET = 'slack-signing-secret';
const ANN = { id: 'U1', name: 'ann' };

test('a request is believed by its signature over time and body, for five minutes', () => {
  // The example of Slack's documentation on verifying requests.
  const secret = '8f742231b10e8888abcd99yyyzzz85a5';
  const body = Buffer.from(
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  );
  const timestamp = '1531420618';
  const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
  const now = 1_531_420_618_000;
  const signed = { timestamp, signature };
  assert.equal(isSlackSignature(secret, signed, body, now), true);
  assert.equal(isSlackSignature(secret, signed, body, now + 300_000), true);
  assert.equal(isSlackSignature(secret, signed, body, now + 300_001), false);
  assert.equal(isSlackSignature(secret, signed, body, now - 300_001), false);
  assert.equal(isSlackSignature(`${secret}x`, signed, body, now), false);
  assert.equal(isSlackSignature(secret, signed, Buffer.concat([body, Buffer.from('x')]), now), false);
  assert.equal(isSlackSignature(secret, { ...signed, timestamp: '1531420619' }, body, now), false);
  for (const odd of ['', 'x', '-1', '1e9'])
    assert.equal(isSlackSignature(secret, { ...signed, timestamp: odd }, body, now), false);
  for (const odd of ['', 'v0=', signature.slice(0, -1)]) {
    assert.equal(isSlackSignature(secret, { ...signed, signature: odd }, body, now), false);
  }
});

interface Written {
  readonly topic: string;
  readonly key: string;
  readonly command: unknown;
  readonly headers: readonly unknown[];
}

/** The route, and Slack with one message of these buttons. */
async function started(t: TestContext, buttons: readonly object[], responds = true) {
  const clock = new FakeClock();
  const slack = await startSlack({ signingSecret: SECRET });
  t.after(() => slack.close());
  const blocks = [{ type: 'actions', elements: buttons }];
  await fetch(slack.webhookUrl, { method: 'POST', body: JSON.stringify({ text: 'x', blocks }) });
  const written: Written[] = [];
  const warned: string[] = [];
  const writer = {
    append: async (topic: string, key: string, value: Uint8Array, headers: readonly unknown[]) => {
      written.push({ topic, key, command: decodeCommand(value), headers });
    },
  };
  const logger = { info: () => {}, error: () => {}, warn: (_fields: object, text: string) => warned.push(text) };
  const client = new HttpClient({ clock: systemClock, allowPrivate: responds, timeoutMs: 1_500 });
  t.after(() => client.close());
  const kit = await startKit(t, {
    addRoutes: (app) =>
      addSlackRoutes(app, {
        signingSecret: SECRET,
        writer: writer as never,
        topic: 'c',
        client,
        clock,
        logger,
      } as never),
  });
  const url = `${kit.url}/feedback/slack`;
  const press = (action: string, now = clock.now()) => slack.press({ url, message: 0, action, user: ANN, now });
  return { press, written, slack, clock, warned, url };
}

const button = (verdict: string, type: string, since: number) => ({
  type: 'button',
  action_id: `tripline-${verdict}`,
  value: encodeReviewButton({ of: 'd1', entity: { type, id: 'e1' }, since }),
});

test('a press answers the review that its button names, by whom Slack says, and the message loses its buttons', async (t) => {
  for (const verdict of ['approve', 'reject'] as const) {
    const { press, written, slack, clock } = await started(t, [button(verdict, 'user', 5)]);
    assert.equal(await press(`tripline-${verdict}`), 200);
    const command = { kind: 'answer', of: 'd1', verdict, data: {}, by: 'ann (Slack U1)', at: clock.now() };
    assert.deepEqual(written, [{ topic: 'c', key: 'e1', command, headers: [] }]);
    const [response, ...more] = slack.responses;
    assert.deepEqual([response?.['replace_original'], more], [true, []]);
    assert.match(String(response?.['text']), verdict === 'approve' ? /^Approved by ann/ : /^Rejected by ann/);
  }
});

test('an answer about another type of entity says so, and comes after the question whatever the clocks say', async (t) => {
  const since = Date.UTC(2100, 0, 1);
  const { press, written } = await started(t, [button('approve', 'device', since)]);
  assert.equal(await press('tripline-approve'), 200);
  const [{ command, headers }] = written as [Written];
  assert.equal((command as { at: number }).at, since + 1);
  assert.deepEqual(
    headers.map((header) => [
      (header as [string, Uint8Array])[0],
      String(Buffer.from((header as [string, Uint8Array])[1])),
    ]),
    [['tripline-entity', 'device']],
  );
});

test('what is not signed, or too late, is 403 and answers nothing (S1)', async (t) => {
  const { press, written, slack, clock, url } = await started(t, [button('approve', 'user', 5)]);
  assert.equal(await press('tripline-approve', clock.now() - 301_000), 403);
  assert.equal((await fetch(url, { method: 'POST', body: 'payload=%7B%7D' })).status, 403);
  assert.deepEqual([written, slack.responses], [[], []]);
});

test('other buttons of the same app, and values that are none of ours, are taken and answer nothing', async (t) => {
  const other = { type: 'button', action_id: 'open', value: 'x' };
  const { press, written, slack } = await started(t, [other, { ...button('approve', 'user', 5), value: '["d1"]' }]);
  assert.equal(await press('open'), 200);
  assert.equal(await press('tripline-approve'), 200);
  assert.deepEqual([written, slack.responses], [[], []]);
});

test('a message that cannot be replaced is a warning: the answer counts', async (t) => {
  const { press, written, warned } = await started(t, [button('approve', 'user', 5)], false);
  assert.equal(await press('tripline-approve'), 200);
  assert.equal(written.length, 1);
  assert.deepEqual(warned, ['an answered message in Slack could not be replaced']);
});
