// Events from files.

export { type FileEntry, type ReadEventsOptions, readEvents } from './read-events.ts';
