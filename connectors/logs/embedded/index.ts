// The embedded log: what the rest of the engine may use of this folder.

export { type EmbeddedLog, openEmbeddedLog } from './embedded-log.ts';
export { openEmbeddedLogReadOnly } from './read-only.ts';
export { type LogRepair, repairEmbeddedLog } from './repair.ts';
export { connectToLog, serveLog } from './threads.ts';
