package tripline.peers;

import java.util.Collection;
import org.apache.flink.state.rocksdb.RocksDBOptionsFactory;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;

/**
 * RocksDB for what CEP does with it.
 *
 * <p>For each event CEP asks a few maps of the key, most of them empty, for their first entry, and RocksDB then walks over
 * whatever was deleted from the maps of the keys that follow, until it finds something that lives. So what was deleted must
 * go soon: small buffers, and compaction as soon as one is written.
 */
public final class RocksForCep implements RocksDBOptionsFactory {
  private static final long WRITE_BUFFER_BYTES = 64 * 1024;

  @Override
  public DBOptions createDBOptions(DBOptions options, Collection<AutoCloseable> toClose) {
    return options;
  }

  @Override
  public ColumnFamilyOptions createColumnOptions(ColumnFamilyOptions options, Collection<AutoCloseable> toClose) {
    return options.setWriteBufferSize(WRITE_BUFFER_BYTES).setLevel0FileNumCompactionTrigger(1);
  }
}
