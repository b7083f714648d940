// The schema registry's public face.

export { RegistryClient, type RegistryOptions } from './client.ts';
export { registerSchemas } from './register.ts';
export { SchemaCache } from './schema-cache.ts';
