// The embedded log: what the rest of the engine may use of this folder.

export { CoreLog } from './core-log.ts';
export { EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from './embedded-log.ts';
export type { SyncPolicy } from './log-store.ts';
export { openEmbeddedLogReadOnly } from './read-only.ts';
export { connectToLog, serveLog } from './threads.ts';
