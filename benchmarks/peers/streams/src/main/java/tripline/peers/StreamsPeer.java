package tripline.peers;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** The job in Kafka Streams: one sub-topology, so a task for each partition of the input. README.md tells the choices. */
public final class StreamsPeer {
  private static final Duration STOP_WITHIN = Duration.ofSeconds(10);
  /** Streams' own 100 ms would keep an action from being read that long, and does not make the rate higher. */
  private static final int LINGER_MS = 5;

  private StreamsPeer() {}

  public static void main(String[] args) {
    Options options = new Options(args);
    KafkaStreams streams = new KafkaStreams(topology(options), config(options));
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (state, before) -> {
          if (state == KafkaStreams.State.RUNNING) {
            System.out.println("READY");
          } else if (state == KafkaStreams.State.ERROR) {
            Runtime.getRuntime().halt(1);
          }
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(STOP_WITHIN)));
    streams.start();
  }

  private static Topology topology(Options options) {
    boolean validate = options.flag("validate", true);
    // Its own time, not that of its writing: this is what stream time is made of.
    TimestampExtractor ownTime = (record, partitionTime) -> ((Event) record.value()).timestamp();
    Topology topology = new Topology();
    topology.addSource(
        AutoOffsetReset.earliest(),
        "events",
        ownTime,
        new ByteArrayDeserializer(),
        new EventDeserializer(validate),
        options.text("input"));
    switch (options.choice("job", "absence", "each")) {
      case "absence" -> {
        topology.addProcessor("absence", (ProcessorSupplier<byte[], Event, byte[], byte[]>) AbsenceProcessor::new, "events");
        topology.addStateStore(store(AbsenceProcessor.USERS).withCachingEnabled(), "absence");
        topology.addStateStore(store(AbsenceProcessor.TIMERS), "absence");
        addSink(topology, options, "absence");
      }
      default -> {
        topology.addProcessor("each", (ProcessorSupplier<byte[], Event, byte[], byte[]>) EachProcessor::new, "events");
        topology.addStateStore(store(EachProcessor.LAST_PURCHASES).withCachingEnabled(), "each");
        addSink(topology, options, "each");
      }
    }
    return topology;
  }

  private static void addSink(Topology topology, Options options, String from) {
    topology.addSink("actions", options.text("output"), new ByteArraySerializer(), new ByteArraySerializer(), from);
  }

  private static StoreBuilder<KeyValueStore<byte[], byte[]>> store(String name) {
    return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.ByteArray(), Serdes.ByteArray());
  }

  private static Properties config(Options options) {
    String guarantee = options.choice("guarantee", "at_least_once", "exactly_once");
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, options.text("application"));
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.text("brokers"));
    config.put(StreamsConfig.STATE_DIR_CONFIG, options.text("state-dir"));
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.number("threads"));
    config.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        guarantee.equals("exactly_once") ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, options.number("commit-ms", 100));
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, options.number("cache-mb", 0) * 1024L * 1024);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksBounds.class);
    config.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), LINGER_MS);
    config.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
    config.putAll(options.settings("set"));
    return config;
  }
}
