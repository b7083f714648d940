package dev.tripline.subscribe;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * Reads Avro in Confluent framing (a zero byte, the schema id, the record) with any registry that speaks Confluent's API.
 * Confluent's own KafkaAvroDeserializer reads the same records; it is not on Maven Central.
 *
 * <p>Setting: {@code registry.url}. An id always means the same schema, so each is fetched once.
 */
public final class RegistryAvroDeserializer implements Deserializer<GenericRecord> {
  private static final int FRAME_BYTES = 5;
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final Map<Integer, Schema> schemas = new ConcurrentHashMap<>();
  private String registry;

  @Override
  public void configure(Map<String, ?> settings, boolean isKey) {
    registry = settings.get("registry.url").toString();
  }

  @Override
  public GenericRecord deserialize(String topic, byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    if (bytes.length < FRAME_BYTES || bytes[0] != 0) {
      throw new SerializationException("a record of " + topic + " is not framed Avro");
    }
    int id = java.nio.ByteBuffer.wrap(bytes, 1, 4).getInt();
    Schema schema = schemas.computeIfAbsent(id, this::fetch);
    try {
      var decoder = DecoderFactory.get().binaryDecoder(bytes, FRAME_BYTES, bytes.length - FRAME_BYTES, null);
      return new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
    } catch (IOException | RuntimeException error) {
      throw new SerializationException("a record of " + topic + " is not of schema " + id, error);
    }
  }

  private Schema fetch(int id) {
    var request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)).timeout(TIMEOUT).build();
    try {
      var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        throw new SerializationException("the registry answered " + answer.statusCode() + " for schema " + id);
      }
      return new Schema.Parser().parse(json.readTree(answer.body()).get("schema").asText());
    } catch (IOException error) {
      throw new SerializationException("the registry does not answer for schema " + id, error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new SerializationException("interrupted while asking for schema " + id, error);
    }
  }
}
