import { MemoryStore } from '../../state/memory-store.ts';
import { keyValueStoreSuite } from '../contract/store.suite.ts';

keyValueStoreSuite('memory store', async () => new MemoryStore());
