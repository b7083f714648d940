package tripline.peers;

import java.nio.ByteBuffer;

/**
 * What the user store holds: 16 bytes.
 *
 * <p>A user has one timer at most. A cart that restarts the clock, or a purchase that ends it, only writes here; the
 * timer finds out when it is due, and is set again for the deadline that holds by then. So the usual cart is one write,
 * and no timer is ever deleted before its time.
 *
 * @param deadline when the clock ends, or {@link #STOPPED}
 * @param timer when the user's timer is due; never after the deadline
 */
record Clock(long deadline, long timer) {
  /** A purchase ended it; the timer still stands. */
  static final long STOPPED = Long.MIN_VALUE;

  boolean isRunning() {
    return deadline != STOPPED;
  }

  byte[] bytes() {
    return ByteBuffer.allocate(2 * Long.BYTES).putLong(deadline).putLong(timer).array();
  }

  static Clock of(byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new Clock(buffer.getLong(), buffer.getLong());
  }
}
