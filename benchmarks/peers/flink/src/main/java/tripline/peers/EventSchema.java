package tripline.peers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads records as events of the user in their key; one that is no event is told of in the log and skipped. */
final class EventSchema implements KafkaRecordDeserializationSchema<UserEvent> {
  private static final Logger LOG = LoggerFactory.getLogger(EventSchema.class);

  private final boolean validate;
  private transient EventReader reader;

  EventSchema(boolean validate) {
    this.validate = validate;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    reader = new EventReader(validate);
  }

  /** Also of events that no pattern wants, since they move the watermark: those are without a user. */
  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<UserEvent> out) {
    Event event;
    try {
      event = reader.read(record.value());
    } catch (IOException error) {
      LOG.warn("a record of {} is no event", record.topic(), error);
      return;
    }
    boolean isOther = event.kind() == Event.Kind.OTHER;
    String user = isOther ? null : new String(record.key(), StandardCharsets.UTF_8);
    out.collect(new UserEvent(user, event.kind() == Event.Kind.PURCHASE, event.timestamp()));
  }

  @Override
  public TypeInformation<UserEvent> getProducedType() {
    return TypeInformation.of(UserEvent.class);
  }
}
