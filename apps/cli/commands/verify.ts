// `tripline verify`: do inputs, journal and rules give what is recorded?

import { textOf } from '../../../services/verify/text.ts';
import { verify as runVerify } from '../../../services/verify/verify.ts';
import { withContext } from '../asking.ts';
import { defineCommand } from '../command.ts';
import { CONFIG_OPTION, timeOption } from '../options.ts';

export const verify = defineCommand({
  name: 'verify',
  summary: 'Replays the journal and tells whether all decisions and actions are as recorded, byte for byte',
  usage: '[--from TIME] [--to TIME] [-c tripline.yaml] [--json]',
  options: {
    from: { type: 'string', value: 'TIME', description: 'First event time to compare (ISO-8601); all are replayed' },
    to: { type: 'string', value: 'TIME', description: 'Event time to stop comparing before' },
    config: CONFIG_OPTION,
    json: { type: 'boolean', description: 'One JSON object' },
  },
  run: async ({ values }, io) => {
    const from = timeOption('verify', 'from', values.from);
    const to = timeOption('verify', 'to', values.to);
    const query = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    return withContext(values.config, io, async (context) => {
      const verification = await runVerify(context, query, { signal: io.signal, isForwarded: false });
      io.stdout.write(values.json === true ? `${JSON.stringify(verification)}\n` : textOf(verification));
      return verification.identical ? 0 : 1;
    });
  },
});
