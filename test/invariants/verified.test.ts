// I1, as `tripline verify` looks at it: any run, whatever happened to its engine, is what its inputs, journal and rules give.

import assert from 'node:assert/strict';
import { verifyLog } from '../../services/verify/verify.ts';
import { withGarbage } from './garbage.ts';
import { APPLICATION, anyAct, OUT_OF_ORDERNESS_MS, play } from './live.ts';
import { anySources, plans, sending } from './plans.ts';
import { holds } from './property.ts';

holds(
  'any run verifies: every decision, action, record of a flow and late event as recorded, and no entry of a journal missing (I1)',
  60,
  withGarbage(plans({ act: anyAct, shuffle: 'beyond', shape: anySources })),
  async (plan) => {
    const { driver, topology } = await play(sending(plan));
    const verification = await verifyLog({
      log: driver.log,
      application: APPLICATION,
      prefix: 'tripline',
      channels: ['webhook'],
      outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
      ignoresSchemaIds: false,
      topology: topology(),
    });
    assert.deepEqual(verification.findings, []);
    assert.equal(verification.identical, true);
    for (const { identical, ...others } of Object.values(verification.topics)) {
      assert.deepEqual(others, {
        differs: 0,
        missing: 0,
        extra: 0,
        unreadable: 0,
        unverifiable: 0,
        newer: 0,
        foreign: 0,
      });
      assert.ok(identical >= 0);
    }
    await driver.close();
  },
);
