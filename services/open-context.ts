// A context that opens what services ask it for, once, and closes it.
//
// Owns: that. Does not own: what is done with it.

import type { Clock } from '../lib/clock.ts';
import type { Log } from '../topology/engine/ports.ts';
import type { Config } from './config/index.ts';
import { openExistingLog, openLog, openLogReadOnly } from './job/open-log.ts';
import { loadFlawlessProject, type Project } from './project/load-project.ts';
import { RuleBook } from './rules/rule-book.ts';
import type { LiveTasks, Peers, ServiceContext } from './service-context.ts';

export interface ContextOptions extends Pick<ServiceContext, 'config' | 'clock' | 'folder'> {
  /** Left out: the log is opened as the configuration says. */
  readonly log?: Log;
  readonly live?: LiveTasks;
  readonly peers?: Peers;
}

/** A context that opens what it is asked for, and is to be closed. */
export class OpenContext implements ServiceContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly folder: string;
  readonly live: LiveTasks | null;
  readonly peers: Peers | null;
  readonly #given: Log | undefined;
  #log: Promise<Log> | null = null;
  #writable: Promise<Log> | null = null;
  #rules: RuleBook | null = null;

  constructor({ config, clock, folder, log, live, peers }: ContextOptions) {
    this.config = config;
    this.clock = clock;
    this.folder = folder;
    this.live = live ?? null;
    this.peers = peers ?? null;
    this.#given = log;
  }

  log(): Promise<Log> {
    if (this.#given !== undefined) return Promise.resolve(this.#given);
    // Who has the log to itself needs no second look at it.
    return this.#writable ?? (this.#log ??= openLogReadOnly(this.config, this.clock));
  }

  writableLog({ isMade } = { isMade: false }): Promise<Log> {
    if (this.#given !== undefined) return Promise.resolve(this.#given);
    this.#writable ??= isMade
      ? openLog(this.config, this.clock).then(({ log }) => log)
      : openExistingLog(this.config, this.clock);
    return this.#writable;
  }

  async rules(): Promise<RuleBook> {
    this.#rules ??= new RuleBook(this.config, () => folderProject(this));
    await this.#rules.refresh(await this.log());
    return this.#rules;
  }

  pause(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Closes what was opened, but not a log that was given. */
  async close(): Promise<void> {
    for (const opened of [this.#log, this.#writable]) {
      const log = await opened?.catch(() => null);
      await log?.close();
    }
  }
}

/**
 * The folder of rules of the configuration, checked as a worker does it. Throws ProblemsError TRG_RULES_INVALID with every
 * mistake, FatalError TRG_FILE_UNREADABLE when it is not there.
 */
export function folderProject({ config, folder }: Pick<ServiceContext, 'config' | 'folder'>): Project {
  return loadFlawlessProject({ paths: [config.rules], folder, config, isLive: true, needsTemplates: false });
}
