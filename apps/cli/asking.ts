// How a command has a service answered.
//
// Owns: the configuration, whoever answers, what is said when there is no configuration. Does not own: what is asked and shown
// (commands/).

import { systemClock } from '../../lib/clock.ts';
import { EngineError, FatalError } from '../../lib/errors.ts';
import { CONFIG_FILE, type Config } from '../../services/config/index.ts';
import { findWorker } from '../../services/live/client.ts';
import { OpenContext } from '../../services/open-context.ts';
import { type Services, servicesHere } from '../../services/operations.ts';
import type { ExitCode, Io } from './command.ts';
import { projectSettings } from './settings.ts';

export interface Asking {
  readonly config: Config;
  readonly services: Services;
}

/**
 * Asks what `use` asks, with the configuration named by `-c`: the worker that runs on its data folder, or this process where none
 * does. Ended by Ctrl-C it exits with 1.
 */
export async function asking(
  file: string | undefined,
  io: Io,
  use: (asking: Asking) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withContext(file, io, async (context) => {
    const { config, clock } = context;
    const worker = await findWorker({ dataDir: config.dataDir, application: config.application, clock });
    return use({ config, services: worker ?? servicesHere(context) });
  });
}

/** The same for what only this process can do. */
export async function withContext(
  file: string | undefined,
  io: Io,
  use: (context: OpenContext) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { config, file: found } = projectSettings({ file, paths: [] }, io);
  const context = new OpenContext({ config, clock: systemClock, folder: io.folder });
  try {
    return await use(context);
  } catch (error) {
    if (io.signal.aborted) return 1;
    throw withHint(error, found, io);
  } finally {
    await context.close();
  }
}

/** What is not there was not made yet, or is somewhere else: the command was called in another folder than the configuration's. */
function withHint(error: unknown, found: string | null, { folder }: Io): unknown {
  const isMissing = error instanceof EngineError && error.code === 'TRG_FILE_UNREADABLE';
  if (!isMissing || error.fields['hint'] !== undefined) return error;
  const isOfLog = error.fields['folder'] !== undefined;
  if (found !== null && !isOfLog) return error;
  const hint =
    found === null
      ? `there is no ${CONFIG_FILE} in ${folder}: name one with -c FILE, or go to the folder that has it`
      : 'no worker has run on this dataDir yet: `tripline run` makes it';
  return new FatalError(error.code, error.message, { ...error.fields, hint }, error.cause);
}
