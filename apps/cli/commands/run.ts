// `tripline run`: the worker.

import { createLogger } from '../../../lib/logger.ts';
import { loadConfig, redact } from '../../../services/config/index.ts';
import { runWorker } from '../../worker/worker.ts';
import { defineCommand } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'Runs the worker until it is stopped',
  usage: '[-c tripline.yaml]',
  options: {
    config: CONFIG_OPTION,
  },
  run: async ({ values }, io) => {
    const { config, file, warnings } = loadConfig({ file: values.config, env: io.env, folder: io.folder });
    const logger = createLogger(config.application);
    for (const warning of warnings) logger.warn({}, warning);
    logger.info({ file, config: redact(config) }, 'starting');
    await runWorker(
      {
        config,
        logger,
        onReload: (reload) => io.onHangup?.(reload),
        onRunning: (_log, url) => logger.info({ threads: config.threads, ...(url !== null && { url }) }, 'running'),
      },
      io.signal,
    );
    logger.info({}, 'stopped');
    return 0;
  },
});
