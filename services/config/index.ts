// The configuration's public face.

export type { Config, SourceConfig } from './config.ts';
export type { Environment } from './environment.ts';
export { CONFIG_FILE, type LoadedConfig, loadConfig } from './load.ts';
export { redact } from './redact.ts';
