// To be imported before anything that knows the channels: they are found when their list is first asked for.

import { fileURLToPath } from 'node:url';

process.env['TRIPLINE_CHANNEL_MODULES'] = fileURLToPath(new URL('./faulty-channel.ts', import.meta.url));
