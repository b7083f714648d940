// The broker's programs, resolved by Maven once and kept in .cache/kafka.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, resolveByMaven } from '../maven.ts';

export const KAFKA_CACHE = join(CACHE, 'kafka');

/** Folder with the broker's jars. Throws when Java or Maven is missing, or Maven fails. */
export function brokerLibraries(): Promise<string> {
  return resolveByMaven({
    what: 'a Kafka broker',
    pom: fileURLToPath(new URL('./pom.xml', import.meta.url)),
    folder: join(KAFKA_CACHE, 'lib-4.1.1'),
    goals: (into) => ['dependency:copy-dependencies', `-DoutputDirectory=${into}`],
  });
}
