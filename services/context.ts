// What services work on: a configuration, its log, its rules, and the tasks that run, if any do.
//
// Owns: opening what a service asks for, once, and closing it. Does not own: what is done with it.

import type { Clock } from '../lib/clock.ts';
import type { Log } from '../topology/engine/ports.ts';
import type { Config } from './config/index.ts';
import { openExistingLog, openLog, openLogReadOnly } from './job/open-log.ts';
import type { LiveTasks, Peers } from './live/live-tasks.ts';
import { loadFlawlessProject, type Project } from './project/load-project.ts';
import { RuleBook } from './rules/rule-book.ts';

export interface ServiceContext {
  readonly config: Config;
  readonly clock: Clock;
  /** What paths of rules are written relative to, absolute. */
  readonly folder: string;
  /** For reading: as of its last commit. Throws FatalError TRG_FILE_UNREADABLE when there is none. */
  log(): Promise<Log>;
  /**
   * For writing; `isMade`: an embedded one is made when there is none. Throws FatalError TRG_FILE_UNREADABLE when there is none,
   * TRG_LOG_LOCKED while a worker has it.
   */
  writableLog(options?: { readonly isMade: boolean }): Promise<Log>;
  /** What was published, as of now. */
  rules(): Promise<RuleBook>;
  /** The tasks that run in this process; null: none do, and what they remember is read from their changelogs. */
  readonly live: LiveTasks | null;
  /** The other workers of the application; null: there are none, or nobody knows of them here. */
  readonly peers: Peers | null;
  /** Lets other work of the thread go on. */
  pause(): Promise<void>;
}

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
