import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { testCommand } from '../../../apps/cli/commands/test.ts';
import { runCommandLine } from '../../../apps/cli/dispatch.ts';
import { watchFolders } from '../../../services/rule-tests/file-changes.ts';
import { rerunOnChange } from '../../../services/rule-tests/rerun.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { until } from '../../../testing/until.ts';
import { folderWith } from '../../apps/cli/kit.ts';

/** Something that is run again, with changes made by hand. */
function started(run: () => Promise<void>) {
  const clock = new FakeClock();
  const stop = new AbortController();
  let changed = (): void => assert.fail('nothing is watched');
  let closed = false;
  const watch = (_: readonly string[], onChange: () => void) => {
    changed = onChange;
    return () => (closed = true);
  };
  const ended = rerunOnChange({ folders: ['/x'], watch, clock, signal: stop.signal, run });
  return { clock, stop, ended, change: () => changed(), isClosed: () => closed };
}

test('many changes within a moment lead to one run, after all of them', async () => {
  let runs = 0;
  const { clock, stop, ended, change, isClosed } = started(async () => void runs++);
  await until(() => runs === 1);
  change();
  await until(() => clock.sleeping === 1);
  await clock.advance(99);
  change();
  await clock.advance(1);
  assert.equal(runs, 1);
  await until(() => clock.sleeping === 1);
  await clock.advance(100);
  await until(() => runs === 2);
  stop.abort();
  await ended;
  assert.equal(runs, 2);
  assert.ok(isClosed());
});

test('what changes during a run leads to another one (W1)', async () => {
  let runs = 0;
  let finish = (): void => {};
  const { clock, stop, ended, change } = started(async () => {
    runs++;
    await new Promise<void>((resolve) => (finish = resolve));
  });
  change();
  finish();
  await until(() => clock.sleeping === 1);
  await clock.advance(100);
  await until(() => runs === 2);
  stop.abort();
  finish();
  await ended;
});

test('tripline test --watch shows mistakes, and goes on when they are mended', async (t) => {
  const folder = folderWith(t, { 'rules/r.yaml': 'id: r\nwhen: { evnt: a }\n' });
  const stop = new AbortController();
  const clock = new FakeClock();
  let changed = (): void => {};
  let out = '';
  let err = '';
  const command = testCommand((folders, onChange) => {
    assert.deepEqual(folders, [folder]);
    changed = onChange;
    return () => {};
  }, clock);
  const io = { isTerminal: false, signal: stop.signal, env: {}, folder };
  const code = runCommandLine(['test', '--watch', 'rules'], [command], {
    ...io,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  await until(() => err.includes('waiting for a change'), { seen: () => err });
  assert.match(err, /TRG_RULES_INVALID[\s\S]*rules\/r\.yaml:2:9/);
  assert.equal(out, '');
  writeFileSync(join(folder, 'rules/r.yaml'), 'id: r\nwhen: { event: a }\n');
  changed();
  await until(() => clock.sleeping === 1);
  await clock.advance(100);
  await until(() => out.includes('test: 1 rules, 0 passed, 0 failed'), { seen: () => out });
  stop.abort();
  assert.equal(await code, 0);
});

test('a changed file in a folder below is noticed', async (t) => {
  const folder = folderWith(t, { 'rules/r.yaml': 'a' });
  let changes = 0;
  t.after(watchFolders([folder], () => changes++));
  // The folder may not be watched yet when this returns, so the file changes until that is noticed.
  let turn = 0;
  await until(() => {
    writeFileSync(join(folder, 'rules/r.yaml'), String(turn++));
    return changes > 0;
  });
});
