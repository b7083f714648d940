package tripline.peers;

import java.nio.ByteBuffer;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Every purchase is an action at once; when a user's last one was is remembered. */
final class EachProcessor implements Processor<byte[], Event, byte[], byte[]> {
  static final String LAST_PURCHASES = "last-purchases";

  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], byte[]> lastPurchases;

  @Override
  public void init(ProcessorContext<byte[], byte[]> given) {
    context = given;
    lastPurchases = context.getStateStore(LAST_PURCHASES);
  }

  @Override
  public void process(Record<byte[], Event> record) {
    if (record.value().kind() != Event.Kind.PURCHASE) {
      return;
    }
    byte[] user = record.key();
    long time = record.value().timestamp();
    lastPurchases.put(user, ByteBuffer.allocate(Long.BYTES).putLong(time).array());
    context.forward(new Record<>(user, Actions.json(user, time), time));
  }
}
