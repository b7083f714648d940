package tripline.peers;

import java.time.Duration;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * "add_to_cart, and no purchase within 24 hours", of each user.
 *
 * <p>Invariants: a purchase at the deadline is in time. A clock fires at most once, as soon as stream time less 5 s has
 * passed its deadline, or before the first event of its user that comes after the deadline.
 */
final class AbsenceProcessor implements Processor<byte[], Event, byte[], byte[]> {
  static final String USERS = "users";
  static final String TIMERS = "timers";

  static final long WITHIN_MS = Duration.ofHours(24).toMillis();
  private static final long OUT_OF_ORDERNESS_MS = 5_000;
  /** Of wall time: a scan costs as much as several events, and this is not felt in a clock of a day. */
  private static final Duration SCAN_EVERY = Duration.ofMillis(20);
  private static final byte[] NOTHING = {};

  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], byte[]> users;
  private KeyValueStore<byte[], byte[]> timers;
  /** No timer before this: where the next scan begins, so that it never walks over those deleted by earlier ones. */
  private long scannedTo = 0;

  @Override
  public void init(ProcessorContext<byte[], byte[]> given) {
    context = given;
    users = context.getStateStore(USERS);
    timers = context.getStateStore(TIMERS);
    context.schedule(SCAN_EVERY, PunctuationType.WALL_CLOCK_TIME, now -> fireDue());
  }

  @Override
  public void process(Record<byte[], Event> record) {
    Event event = record.value();
    switch (event.kind()) {
      case CART -> cart(record.key(), event.timestamp());
      case PURCHASE -> purchase(record.key(), event.timestamp());
      case OTHER -> {}
    }
  }

  private void cart(byte[] user, long time) {
    Clock clock = Clock.of(users.get(user));
    long deadline = time + WITHIN_MS;
    if (clock == null) {
      setTimer(deadline, user);
      users.put(user, new Clock(deadline, deadline).bytes());
      return;
    }
    if (clock.isRunning()) {
      if (deadline <= clock.deadline()) {
        return;
      }
      if (clock.deadline() < time) {
        fire(user, clock.deadline());
      }
    }
    long timer = clock.timer();
    if (deadline < timer) {
      // The cart comes late, and the clock that the timer was set for has been stopped.
      timers.delete(TimerKey.of(timer, user));
      setTimer(deadline, user);
      timer = deadline;
    }
    users.put(user, new Clock(deadline, timer).bytes());
  }

  private void purchase(byte[] user, long time) {
    Clock clock = Clock.of(users.get(user));
    if (clock == null || !clock.isRunning() || time <= clock.deadline() - WITHIN_MS) {
      return;
    }
    if (clock.deadline() < time) {
      fire(user, clock.deadline());
    }
    users.put(user, new Clock(Clock.STOPPED, clock.timer()).bytes());
  }

  private void fireDue() {
    long passed = context.currentStreamTimeMs() - OUT_OF_ORDERNESS_MS;
    // A timer that is set again may be due as well.
    while (scannedTo < passed) {
      byte[] from = TimerKey.bound(scannedTo);
      scannedTo = passed;
      try (KeyValueIterator<byte[], byte[]> due = timers.range(from, TimerKey.bound(passed))) {
        while (due.hasNext()) {
          KeyValue<byte[], byte[]> timer = due.next();
          timerDue(timer.key);
        }
      }
    }
  }

  private void timerDue(byte[] key) {
    timers.delete(key);
    byte[] user = TimerKey.user(key);
    Clock clock = Clock.of(users.get(user));
    if (clock == null || !clock.isRunning()) {
      users.delete(user);
    } else if (clock.deadline() == TimerKey.time(key)) {
      fire(user, clock.deadline());
      users.delete(user);
    } else {
      setTimer(clock.deadline(), user);
      users.put(user, new Clock(clock.deadline(), clock.deadline()).bytes());
    }
  }

  private void setTimer(long time, byte[] user) {
    timers.put(TimerKey.of(time, user), NOTHING);
    scannedTo = Math.min(scannedTo, time);
  }

  private void fire(byte[] user, long deadline) {
    context.forward(new Record<>(user, Actions.json(user, deadline), deadline));
  }
}
