// Writes state until the disk takes no more, and prints the error. Run with a limit on the size of files (full-disk.test.ts).

import { EngineError } from '../../../lib/errors.ts';
import { LevelStore } from '../../../state/store/level-store.ts';

const folder = process.argv[2]!;
const store = await LevelStore.open(folder);
let batches = 0;
try {
  for (; batches < 1_000; batches++) {
    await store.write([{ key: Buffer.from(`key ${batches}`), value: Buffer.alloc(1_000, batches) }]);
  }
} catch (error) {
  if (!(error instanceof EngineError)) throw error;
  console.log(JSON.stringify({ name: error.name, code: error.code, message: error.message, batches }));
}
await store.close();
