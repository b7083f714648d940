package dev.tripline.subscribe;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Reads actions and prints each as a line: topic, key, decision id, and the record as JSON, between tabs.
 *
 * <p>Environment: BROKERS, REGISTRY, TOPICS, GROUP.
 */
public final class Subscriber {
  public static void main(String[] arguments) {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", setting("BROKERS"),
            "group.id", setting("GROUP"),
            "registry.url", setting("REGISTRY"),
            "key.deserializer", StringDeserializer.class,
            "value.deserializer", RegistryAvroDeserializer.class,
            // What was not committed never happened.
            "isolation.level", "read_committed",
            "auto.offset.reset", "earliest",
            // Positions are committed once the records are dealt with.
            "enable.auto.commit", "false");
    var consumer = new KafkaConsumer<String, GenericRecord>(settings);
    var main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(consumer, main)));
    try (consumer) {
      consumer.subscribe(List.of(setting("TOPICS").split(",")));
      while (true) {
        for (ConsumerRecord<String, GenericRecord> record : consumer.poll(Duration.ofSeconds(1))) {
          // In the dead-letter topic a record without a value marks a letter that was replayed.
          if (record.value() != null) {
            take(record);
          }
        }
        consumer.commitSync();
      }
    } catch (WakeupException stopped) {
      // The shutdown hook wakes it up; closing the consumer leaves the group.
    }
  }

  /** A record may come again after a fault of this program: whatever is done here goes by its {@code id}, once. */
  private static void take(ConsumerRecord<String, GenericRecord> record) {
    Header header = record.headers().lastHeader("tripline-decision-id");
    String decision = header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    System.out.println(String.join("\t", record.topic(), record.key(), decision, record.value().toString()));
  }

  private static void stop(KafkaConsumer<?, ?> consumer, Thread main) {
    consumer.wakeup();
    try {
      main.join();
    } catch (InterruptedException ignored) {
      Thread.currentThread().interrupt();
    }
  }

  private static String setting(String name) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) {
      throw new IllegalArgumentException("the environment variable " + name + " is not set");
    }
    return value;
  }
}
