import { readFileSync } from 'node:fs';
import { asEngineTells, tellByEngine } from './engine.ts';
import { interpret } from './interpreter.ts';
const story = JSON.parse(readFileSync('/tmp/work/last.json', 'utf8'));
console.time('e'); await tellByEngine(asEngineTells(story)); console.timeEnd('e');
console.time('o'); interpret(asEngineTells(story)); console.timeEnd('o');
