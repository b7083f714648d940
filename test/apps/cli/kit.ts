// Runs a command line in this process and keeps what it wrote.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Command, ExitCode } from '../../../apps/cli/command.ts';
import { runCommandLine } from '../../../apps/cli/dispatch.ts';

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export async function run(
  words: readonly string[],
  commands: readonly Command[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await runCommandLine(words, commands, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    isTerminal: false,
    signal: new AbortController().signal,
    env,
    folder,
  });
  return { code, out, err };
}

/** A temporary folder with these files, by path; gone after the test. */
export function folderWith(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}
