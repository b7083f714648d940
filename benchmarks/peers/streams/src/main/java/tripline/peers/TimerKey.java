package tripline.peers;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Key of the timer store: the time, big-endian, then the user; so the store holds timers in the order they are due. */
final class TimerKey {
  private TimerKey() {}

  static byte[] of(long time, byte[] user) {
    return ByteBuffer.allocate(Long.BYTES + user.length).putLong(time).put(user).array();
  }

  /** Before every timer of that time. */
  static byte[] bound(long time) {
    return ByteBuffer.allocate(Long.BYTES).putLong(time).array();
  }

  static long time(byte[] key) {
    return ByteBuffer.wrap(key).getLong();
  }

  static byte[] user(byte[] key) {
    return Arrays.copyOfRange(key, Long.BYTES, key.length);
  }
}
