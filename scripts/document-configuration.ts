// Writes the table of settings into docs/configuration.md: `node scripts/document-configuration.ts`.

import { readFileSync, writeFileSync } from 'node:fs';
import { configurationTable } from '../apps/config/reference.ts';

const PAGE = new URL('../docs/configuration.md', import.meta.url);
const TABLE = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/;

const page = readFileSync(PAGE, 'utf8');
writeFileSync(
  PAGE,
  page.replace(TABLE, (_, start: string, end: string) => `${start}${configurationTable()}\n${end}`),
);
