// What lies under rules/ or templates/ and is no file is refused by name: not waited for, and without a stack.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { check } from '../../../apps/cli/commands/check.ts';
import { folderWith, run } from '../../apps/cli/kit.ts';

const RULE = 'id: paid\nwhen: { event: paid }\nthen: [{ send: { channel: webhook } }]\n';

const ODD: Readonly<Record<string, (folder: string) => string>> = {
  'a pipe among the rules': (folder) => {
    execFileSync('mkfifo', [join(folder, 'rules/pipe.yaml')]);
    return 'pipe.yaml';
  },
  'a pipe among the templates': (folder) => {
    mkdirSync(join(folder, 'templates/hello'), { recursive: true });
    execFileSync('mkfifo', [join(folder, 'templates/hello/email.liquid')]);
    return 'email.liquid';
  },
  'a device': (folder) => {
    symlinkSync('/dev/zero', join(folder, 'rules/zero.yaml'));
    return 'zero.yaml';
  },
  'a symbolic link to itself': (folder) => {
    symlinkSync('self.yaml', join(folder, 'rules/self.yaml'));
    return 'self.yaml';
  },
  'a symbolic link to the folder that it is in': (folder) => {
    symlinkSync('.', join(folder, 'rules/again'));
    return 'again';
  },
};

for (const [what, make] of Object.entries(ODD)) {
  test(`${what} is refused by name`, async (t) => {
    const folder = folderWith(t, { 'tripline.yaml': 'application: shop\n', 'rules/paid.yaml': RULE });
    const name = make(folder);
    const { code, out, err } = await run(['check', '.'], [check], folder);
    assert.equal(code, 1);
    assert.ok((out + err).includes(name), out + err);
    assert.match(out + err, /pipe, a socket, a device|leads back/);
    assert.doesNotMatch(out + err, /please report it|\n {4}at /);
  });
}
