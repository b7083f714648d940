// `tripline events`: which events come, with what properties, how often; learned from the source topics or from a file.

import { resolve } from 'node:path';
import type { Catalogue, EventFigures } from '../../../services/events/catalogue.ts';
import { keepCatalogue } from '../../../services/events/known.ts';
import { learnFromFile } from '../../../services/events/learn.ts';
import { resultOf } from '../../../services/operation.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';

/** Columns of a terminal; longer lines go on below. */
const WIDTH = 80;
const INDENT = '    ';

export const events = defineCommand({
  name: 'events',
  summary: 'Shows which events come: names, properties and types, rates; what `check` then knows',
  usage: '[-c tripline.yaml] [--events FILE [--mapping FILE]] [--json]',
  options: {
    config: CONFIG_OPTION,
    events: { type: 'string', value: 'FILE', description: 'Of this file, instead of the newest in the source topics' },
    mapping: { type: 'string', value: 'FILE', description: 'How the columns of a CSV file are to be read' },
    json: { type: 'boolean', description: 'One JSON object for each name' },
  },
  run: async ({ values }, io) => {
    const isJson = values.json === true;
    if (values.events !== undefined) {
      const mapping = values.mapping === undefined ? undefined : resolve(io.folder, values.mapping);
      const catalogue = await learnFromFile(resolve(io.folder, values.events), mapping);
      const { config } = projectSettings({ file: values.config, paths: [] }, io);
      return keepAndShow(catalogue, config.dataDir, isJson, io);
    }
    return asking(values.config, io, async ({ config, services }) => {
      const catalogue = await resultOf(services.ask('events.learn', {}, io.signal));
      return keepAndShow(catalogue, config.dataDir, isJson, io);
    });
  },
});

function keepAndShow(catalogue: Catalogue, dataDir: string, isJson: boolean, io: Io): ExitCode {
  // A catalogue of nothing would have every name unknown.
  if (catalogue.events.length > 0) keepCatalogue(dataDir, catalogue);
  if (isJson) for (const event of catalogue.events) io.stdout.write(`${JSON.stringify(event)}\n`);
  else show(catalogue, io);
  return catalogue.events.length > 0 ? 0 : 1;
}

function show({ events: found, count, others, unreadable }: Catalogue, io: Io): void {
  const width = Math.max(5, ...found.map(({ name }) => name.length));
  for (const event of found) {
    const { name, perDay, last } = event;
    const rate = perDay === null ? '' : `${rateText(perDay)} a day`;
    io.stdout.write(`${name.padEnd(width)}  ${String(event.count).padStart(7)}  ${rate.padStart(12)}  last ${last}\n`);
    for (const line of propertyLines(event)) io.stdout.write(`${line}\n`);
  }
  const parts = [`${count} events of ${found.length} names`];
  if (others > 0) parts.push(`${others} of names that are too many or too long`);
  if (unreadable > 0) parts.push(`${unreadable} that cannot be read`);
  io.stdout.write(`events: ${parts.join(', ')}\n`);
}

function rateText(perDay: number): string {
  return perDay >= 100 ? Math.round(perDay).toLocaleString('en-US') : String(perDay);
}

/** `name text, amount number 40 %`: without a share it is in every event. */
function propertyLines({ properties, hasMore }: EventFigures): string[] {
  const words = properties.map(({ name, types, share }) => {
    return `${name} ${types.join(' or ')}${share === 1 ? '' : ` ${percent(share)}`}`;
  });
  if (hasMore) words.push('and more');
  const lines: string[] = [];
  let line = INDENT;
  for (const [index, word] of words.entries()) {
    const piece = index === words.length - 1 ? word : `${word}, `;
    if (line.length + piece.trimEnd().length > WIDTH && line !== INDENT) {
      lines.push(line.trimEnd());
      line = INDENT;
    }
    line += piece;
  }
  if (words.length > 0) lines.push(line);
  return lines;
}

function percent(share: number): string {
  return share < 0.01 ? 'below 1 %' : `${Math.round(100 * share)} %`;
}
