import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSources } from '../../scripts/check-imports.ts';
import { checkEdges, edgesOf, edgesTable, ROOT } from '../../scripts/edges.ts';

const HEADER = `// Sends.
//
// Edge \`send\`: a message is sent.
//   throws: that message fails,
//     and no other
//   rejects: as a throw
//   hangs: given up
//   too large: cannot: it has no size
//   behind: connectors/http/
//   only in connectors/channels/channel.ts: connector.open(

`;
const SENDER = { path: 'connectors/send.ts', text: `${HEADER}export const send = 1;\n` };
const OPENER = { path: 'connectors/channels/channel.ts', text: 'export const opened = connector.open(1);\n' };
const CLIENT = { path: 'connectors/http/client.ts', text: "import { request } from 'undici';\n" };
const WHOLE = [SENDER, OPENER, CLIENT];

test('an edge is read from the header of its file', () => {
  const [edge] = edgesOf(WHOLE);
  assert.deepEqual(edge, {
    name: 'send',
    what: 'a message is sent.',
    file: 'connectors/send.ts',
    outcomes: {
      throws: 'that message fails, and no other',
      rejects: 'as a throw',
      hangs: 'given up',
      'too large': 'cannot: it has no size',
    },
    behind: ['connectors/send.ts', 'connectors/http/'],
    only: [{ file: 'connectors/channels/channel.ts', text: 'connector.open(' }],
  });
  assert.deepEqual(checkEdges(WHOLE), []);
  assert.match(
    edgesTable(WHOLE),
    /^\| `send` \| a message is sent \| that message fails, and no other \| as a throw \| given up \| cannot be: it has no size \|$/m,
  );
});

test('what reaches outside, and stands behind no edge, is found (E1)', () => {
  const found = (path: string, text: string): string[] => checkEdges([...WHOLE, { path, text }]);
  assert.match(
    found('connectors/new/client.ts', "import { connect } from 'node:net';\n")[0]!,
    /^connectors\/new\/client.ts: uses node:net behind no edge/,
  );
  assert.match(
    found('topology/x.ts', "const { run } = await import('some-library/part');\n")[0]!,
    /uses some-library behind no edge/,
  );
  assert.match(
    found('topology/x.ts', 'const { run } = await import(path);\n')[0]!,
    /uses a module that it computes behind no edge/,
  );
  for (const text of [
    "import { join } from 'node:path';\n",
    "import type { Socket } from 'node:net';\n",
    "import { a } from './b.ts';\n",
    "// import 'undici';\n",
  ])
    assert.deepEqual(found('topology/x.ts', text), []);
  assert.deepEqual(found('test/x.ts', "import { connect } from 'node:net';\n"), []);
});

test('what goes past a boundary is found (E2)', () => {
  const around = { path: 'services/preview.ts', text: 'const sender = connector.open(options);\n' };
  assert.deepEqual(checkEdges([...WHOLE, around]), [
    'services/preview.ts: "connector.open(" goes past the edge send (connectors/channels/channel.ts)',
  ]);
  assert.deepEqual(checkEdges([SENDER, CLIENT, { ...OPENER, text: 'export {};\n' }]), [
    'connectors/channels/channel.ts: has no "connector.open(", as the edge send says',
  ]);
});

test('an edge that leaves out a fault, or says what is nothing, is refused', () => {
  const without = (line: string) => ({ ...SENDER, text: SENDER.text.replace(line, '//   rejects: as a throw\n') });
  assert.throws(() => edgesOf([without('//   hangs: given up\n')]), /does not say "hangs:"/);
  assert.throws(() => edgesOf([{ ...SENDER, text: SENDER.text.replace('hangs:', 'hans:') }]), /does not say "hangs:"/);
  assert.throws(() => edgesOf([SENDER, { ...SENDER, path: 'lib/x.ts' }]), /the edge send is there twice/);
});

test('docs/operating.md lists the edges as the code has them (npm run generate), and nothing goes past one', () => {
  const sources = readSources(ROOT);
  assert.ok(readFileSync(join(ROOT, 'docs/operating.md'), 'utf8').includes(`\n${edgesTable(sources)}\n`));
  assert.deepEqual(checkEdges(sources), []);
});
