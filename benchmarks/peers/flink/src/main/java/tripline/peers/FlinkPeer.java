package tripline.peers;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/** The job in Flink CEP, in a local environment with one slot a thread. README.md tells the choices. */
public final class FlinkPeer {
  private static final Duration OUT_OF_ORDERNESS = Duration.ofSeconds(5);
  private static final long STOP_WITHIN_SECONDS = 5;
  private static final long LOOK_MS = 20;
  /** At most what a broker allows by default. */
  private static final String TRANSACTION_TIMEOUT_MS = "600000";

  private FlinkPeer() {}

  public static void main(String[] args) throws Exception {
    Options options = new Options(args);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(options.number("threads"), config(options));
    flow(environment, options);
    JobClient job = environment.executeAsync(options.text("application"));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> cancel(job)));
    while (job.getJobStatus().get() != JobStatus.RUNNING) {
      Thread.sleep(LOOK_MS);
    }
    System.out.println("READY");
    job.getJobExecutionResult().get();
  }

  private static void flow(StreamExecutionEnvironment environment, Options options) {
    // The watermark is made before anything is filtered out, so that every event moves time on.
    WatermarkStrategy<UserEvent> watermarks =
        WatermarkStrategy.<UserEvent>forBoundedOutOfOrderness(OUT_OF_ORDERNESS)
            .withTimestampAssigner((event, recordTime) -> event.timestamp);
    KeyedStream<UserEvent, String> byUser =
        environment
            .fromSource(source(options), watermarks, "events")
            .filter(event -> !event.isOther())
            .keyBy(event -> event.user);
    DataStream<Action> actions =
        switch (options.choice("job", "absence", "each")) {
          case "absence" -> Absence.actions(byUser);
          default -> byUser.process(new Each());
        };
    actions.sinkTo(sink(options));
  }

  private static KafkaSource<UserEvent> source(Options options) {
    return KafkaSource.<UserEvent>builder()
        .setBootstrapServers(options.text("brokers"))
        .setTopics(options.text("input"))
        .setGroupId(options.text("application"))
        .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
        .setDeserializer(new EventSchema(options.flag("validate", true)))
        .build();
  }

  private static KafkaSink<Action> sink(Options options) {
    return KafkaSink.<Action>builder()
        .setBootstrapServers(options.text("brokers"))
        .setRecordSerializer(new ActionSchema(options.text("output")))
        .setDeliveryGuarantee(
            isExactlyOnce(options) ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE)
        .setTransactionalIdPrefix(options.text("application"))
        .setProperty("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
        .build();
  }

  private static boolean isExactlyOnce(Options options) {
    return options.choice("guarantee", "at_least_once", "exactly_once").equals("exactly_once");
  }

  private static Configuration config(Options options) {
    boolean isRocks = options.choice("backend", "heap", "rocksdb").equals("rocksdb");
    Path folder = Path.of(options.text("state-dir")).toAbsolutePath();
    Map<String, String> settings =
        new HashMap<>(
            Map.of(
                "execution.checkpointing.interval", options.number("checkpoint-ms", 1_000) + "ms",
                "execution.checkpointing.mode", isExactlyOnce(options) ? "EXACTLY_ONCE" : "AT_LEAST_ONCE",
                "execution.checkpointing.dir", folder.resolve("checkpoints").toUri().toString(),
                "execution.checkpointing.incremental", Boolean.toString(isRocks),
                "state.backend.type", isRocks ? "rocksdb" : "hashmap",
                "state.backend.rocksdb.options-factory", RocksForCep.class.getName(),
                "state.backend.rocksdb.timer-service.factory", "HEAP",
                "state.backend.rocksdb.localdir", folder.resolve("rocksdb").toString(),
                "io.tmp.dirs", folder.resolve("tmp").toString(),
                "pipeline.object-reuse", "true"));
    settings.putAll(options.settings("set"));
    return Configuration.fromMap(settings);
  }

  private static void cancel(JobClient job) {
    try {
      job.cancel().get(STOP_WITHIN_SECONDS, TimeUnit.SECONDS);
    } catch (Exception error) {
      // It ends with the process.
    }
  }
}
