// The mapping file of a CSV or Parquet file (docs/files.md): which column is what.
//
// Owns: its shape and its errors. Does not own: applying it to rows (csv-event.ts, parquet-event.ts).

import Type from 'typebox';
import { FatalError } from '../../../lib/errors.ts';
import { type Problem, ProblemsError } from '../../../lib/problem.ts';
import { compileSchema } from '../../../lib/schema-check.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { TEXT_ENCODINGS } from '../../../lib/text-encoding.ts';
import { notTextProblem, readTextFile } from '../../../lib/text-file.ts';
import { YamlSource } from '../../../lib/yaml-source.ts';
import { compileTimeFormat, type TimeParser } from './local-time.ts';

const column = (description: string) => Type.String({ minLength: 1, description });

/** What a `timestampFormat` is made of, in words. */
const TIME_TOKENS = "Made of YYYY MM M DD D HH H hh h mm ss SSS A Z and text in 'single quotes'";

/** Names of what stands between fields, by the character. */
const DELIMITERS: Readonly<Record<string, string>> = { ';': 'semicolons', '\t': 'tabs', '|': 'bars', ',': 'commas' };

const MappingSchema = Type.Object(
  {
    format: Type.Enum(['csv', 'parquet'], { default: 'csv', description: 'Format of the file' }),
    columns: Type.Object(
      {
        userId: Type.Optional(column('Id of the person')),
        anonymousId: Type.Optional(column('Id of somebody not known yet')),
        event: column('Name of the event'),
        timestamp: column('When it happened'),
        messageId: Type.Unsafe<string | null>({
          type: ['string', 'null'],
          minLength: 1,
          default: null,
          description: 'Id of the event; null: derived from the content and number of the row',
        }),
      },
      { additionalProperties: false },
    ),
    timestampFormat: Type.String({
      minLength: 1,
      default: 'iso',
      description: `${TIME_TOKENS}; or iso, epoch-ms, epoch-s`,
    }),
    encoding: Type.Optional(
      Type.Enum([...TEXT_ENCODINGS], {
        description: 'Encoding of the file; default: what its byte order mark says, or utf-8',
      }),
    ),
    delimiter: Type.Optional(
      Type.String({
        pattern: '^[^"\\r\\n]$',
        examples: [';'],
        description: 'The one character that stands between fields; default: a comma',
      }),
    ),
    timezone: Type.String({ minLength: 1, default: 'UTC', description: 'IANA zone of times without one' }),
    properties: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Columns kept as properties' }),
    traits: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Columns kept as traits' }),
  },
  { additionalProperties: false },
);

type MappingFields = Type.Static<typeof MappingSchema>;

export interface CsvMapping extends MappingFields {
  readonly parseTime: TimeParser;
  /** Throws ProblemsError TRG_CONFIG_INVALID when a column is not in the header of `csvFile`. */
  checkColumns(header: readonly string[], csvFile: string): void;
}

const checkMapping = compileSchema(MappingSchema);

/** Throws FatalError TRG_CONFIG_INVALID: a ProblemsError with every mistake and its place, or that it cannot be read. */
export function loadMapping(file: string): CsvMapping {
  const source = new YamlSource(file, readText(file));
  if (source.problems.length > 0) throw invalid(file, source.problems);
  const findings = checkMapping(source.value);
  const problems = findings.map(({ path, part, message, hint }) => source.problem(path, part, message, hint));
  if (problems.length > 0) throw invalid(file, problems);
  const fields = source.value as MappingFields;
  if (fields.columns.userId === undefined && fields.columns.anonymousId === undefined) {
    throw invalid(file, [source.problem(['columns'], 'name', 'missing field "userId" (or "anonymousId")')]);
  }
  return {
    ...fields,
    parseTime: timeParserOf(fields, source),
    checkColumns: (header, csvFile) => checkColumns(fields, header, csvFile, source),
  };
}

function timeParserOf(fields: MappingFields, source: YamlSource): TimeParser {
  try {
    compileTimeFormat('iso', fields.timezone);
  } catch {
    const hint = 'such as UTC or Europe/Berlin';
    const message = `the time zone "${fields.timezone}" is not known`;
    throw invalid(source.file, [source.problem(['timezone'], 'value', message, hint)]);
  }
  try {
    return compileTimeFormat(fields.timestampFormat, fields.timezone);
  } catch (error) {
    const hint = `${TIME_TOKENS.replace('Made', 'made')}; or iso, epoch-ms, epoch-s`;
    throw invalid(source.file, [source.problem(['timestampFormat'], 'value', (error as Error).message, hint)]);
  }
}

function checkColumns(fields: MappingFields, header: readonly string[], csvFile: string, source: YamlSource): void {
  const named: (readonly [path: readonly (string | number)[], name: string])[] = [];
  for (const [field, name] of Object.entries(fields.columns)) {
    if (typeof name === 'string') named.push([['columns', field], name]);
  }
  for (const list of ['properties', 'traits'] as const) {
    for (const [index, name] of fields[list].entries()) named.push([[list, index], name]);
  }
  const other = named.some(([, name]) => !header.includes(name)) ? otherDelimiter(header) : undefined;
  if (other !== undefined) {
    const message = `${csvFile} is separated by ${DELIMITERS[other]}`;
    throw invalid(source.file, [
      source.problem(['delimiter'], 'value', message, `delimiter: ${JSON.stringify(other)}`),
    ]);
  }
  const problems = named.flatMap(([path, name]) => {
    const times = header.filter((heading) => heading === name).length;
    if (times === 1) return [];
    const message = times === 0 ? `${csvFile} has no column "${name}"` : `${csvFile} has ${times} columns "${name}"`;
    return [source.problem(path, 'value', message, didYouMean(name, header, `its columns: ${header.join(', ')}`))];
  });
  if (problems.length > 0) throw invalid(source.file, problems);
}

/** What separates a header that was read as one column. */
function otherDelimiter(header: readonly string[]): string | undefined {
  if (header.length !== 1) return undefined;
  return Object.keys(DELIMITERS).find((delimiter) => header[0]!.includes(delimiter));
}

function readText(file: string): string {
  try {
    return readTextFile(file);
  } catch (error) {
    const problem = notTextProblem(error, file);
    if (problem !== null) throw invalid(file, [problem]);
    throw new FatalError('TRG_CONFIG_INVALID', `the mapping ${file} cannot be read`, {}, error);
  }
}

function invalid(file: string, problems: readonly Problem[]): ProblemsError {
  return new ProblemsError('TRG_CONFIG_INVALID', `the mapping ${file} does not fit`, problems);
}
