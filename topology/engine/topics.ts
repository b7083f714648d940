// The topics that the engine keeps for itself. They start with the application's name.

/** Of a sub-topology's store. */
export function changelogTopic(application: string, store: string): string {
  return `${application}-${store}-changelog`;
}

/** In which order each task took its inputs, and what the clock said. */
export function journalTopic(application: string): string {
  return `${application}-journal`;
}
