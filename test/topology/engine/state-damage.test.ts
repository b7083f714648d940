// State that is damaged anywhere, by a bit or by a cut, is after its opening what it was, or is rebuilt to be that.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterDamage, changelog, damagesOf, KINDS, writtenState } from './state-damage-kit.ts';

const CHILD = fileURLToPath(new URL('./state-damage-child.ts', import.meta.url));
/** Of a process; the list is handed over in its arguments. */
const DAMAGES = 600;
/** One place of so many is damaged, from another first one each time; FUZZ_RUNS of this and more: every place (Makefile). */
const STRIDE = Math.max(1, Math.floor(24 / Number(process.env['FUZZ_RUNS'] ?? 1)));

for (const kind of KINDS) {
  test(`a state folder (${kind}) that is damaged at any byte, or cut anywhere, gives the state of its changelog (I5)`, async (t) => {
    const parent = mkdtempSync(join(tmpdir(), 'tripline-damaged-'));
    t.after(() => rmSync(parent, { recursive: true, force: true }));
    const folder = await writtenState(kind, parent);
    const undamaged = await afterDamage(folder, await changelog(), null);
    assert.deepEqual(undamaged.warnings, []);
    assert.ok(undamaged.rows.length > 10);
    const first = randomInt(STRIDE);
    t.diagnostic(`every ${STRIDE}th place from the ${first}th on`);
    const damages = damagesOf(folder).filter((_, i) => i % STRIDE === first);
    let rebuilt = 0;
    for (let from = 0; from < damages.length; from += DAMAGES) {
      const list = JSON.stringify(damages.slice(from, from + DAMAGES));
      const { stdout } = await promisify(execFile)(process.execPath, [CHILD, folder, list], { maxBuffer: 2 ** 26 });
      const outcome = JSON.parse(stdout) as { wrong: string[]; rebuilt: number };
      assert.deepEqual(outcome.wrong, []);
      rebuilt += outcome.rebuilt;
    }
    assert.ok(rebuilt > damages.length / 4, `${rebuilt} of ${damages.length} were noticed`);
  });
}
