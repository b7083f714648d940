import { MemoryStore } from '../../../state/store/memory-store.ts';
import { keyValueStoreSuite } from '../../contract/store.suite.ts';

keyValueStoreSuite('memory store', async () => new MemoryStore());
