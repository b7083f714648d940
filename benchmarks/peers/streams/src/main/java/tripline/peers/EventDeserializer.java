package tripline.peers;

import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/** Events as the source reads them: one reader a stream thread. */
final class EventDeserializer implements Deserializer<Event> {
  private final EventReader reader;

  EventDeserializer(boolean validate) {
    reader = new EventReader(validate);
  }

  @Override
  public Event deserialize(String topic, byte[] bytes) {
    try {
      return reader.read(bytes);
    } catch (IOException error) {
      throw new SerializationException("a record of " + topic + " is no event", error);
    }
  }
}
