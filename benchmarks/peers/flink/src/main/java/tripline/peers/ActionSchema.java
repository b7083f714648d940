package tripline.peers;

import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Actions as records, keyed by user. */
final class ActionSchema implements KafkaRecordSerializationSchema<Action> {
  private final String topic;

  ActionSchema(String topic) {
    this.topic = topic;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(Action action, KafkaSinkContext context, Long timestamp) {
    byte[] user = action.user.getBytes(StandardCharsets.UTF_8);
    return new ProducerRecord<>(topic, null, action.at, user, Actions.json(user, action.at));
  }
}
