// The two subscribers of examples/subscribe as processes, with the lines that they printed.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, resolveByMaven, sourcesHash } from '../../testing/maven.ts';
import { until } from '../../testing/until.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/subscribe/', import.meta.url));
const LINES_MS = 60_000;

export interface Subscription {
  readonly brokers: readonly string[];
  readonly registry: string;
  readonly topics: readonly string[];
  readonly group: string;
}

export class Subscriber {
  readonly #child: ChildProcess;
  #out = '';
  #err = '';

  private constructor(command: string, args: readonly string[], subscription: Subscription) {
    const { brokers, registry, topics, group } = subscription;
    const env = { BROKERS: brokers.join(','), REGISTRY: registry, TOPICS: topics.join(','), GROUP: group };
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#child.stdout!.on('data', (chunk: Buffer) => (this.#out += chunk));
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#err += chunk));
  }

  static kafkajs(subscription: Subscription): Subscriber {
    return new Subscriber(process.execPath, [join(EXAMPLES, 'kafkajs/subscribe.ts')], subscription);
  }

  /** Compiles it first, unless these sources were compiled before. */
  static async java(subscription: Subscription): Promise<Subscriber> {
    const folder = await resolveByMaven({
      what: 'the Java subscriber',
      pom: join(EXAMPLES, 'java/pom.xml'),
      folder: join(CACHE, `subscriber-java-${sourcesHash(join(EXAMPLES, 'java'))}`),
      goals: (into) => [
        `-Dbuild.folder=${into}`,
        'compile',
        'dependency:copy-dependencies',
        `-DoutputDirectory=${into}/lib`,
      ],
    });
    const path = `${folder}/classes:${folder}/lib/*`;
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
    return new Subscriber('java', ['-Xmx128m', quiet, '-cp', path, 'dev.tripline.subscribe.Subscriber'], subscription);
  }

  /** Once there are as many. Throws when it ends before, or takes too long, with what it said. */
  async lines(count: number): Promise<readonly string[]> {
    const said = (): string => `${this.#out}\n${this.#err}`;
    const printed = (): readonly string[] | null => {
      const lines = this.#out.split('\n').slice(0, -1);
      if (lines.length >= count) return lines;
      if (this.#child.exitCode !== null) throw new Error(`the subscriber ended:\n${said()}`);
      return null;
    };
    return until(printed, { message: `the subscriber prints ${count} lines`, deadlineMs: LINES_MS, seen: said });
  }

  /** SIGTERM; resolves with its exit code, and what it had to say on standard error. */
  async stop(): Promise<{ readonly code: number | null; readonly err: string }> {
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM');
      await gone;
    }
    return { code: this.#child.exitCode, err: this.#err };
  }
}
