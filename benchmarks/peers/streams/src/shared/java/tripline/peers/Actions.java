package tripline.peers;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.io.JsonStringEncoder;

/** The record that an action is: JSON with the rule, the user and the event time it is of (ms). */
public final class Actions {
  private static final byte[] START = "{\"rule\":\"cart-abandonment\",\"user\":\"".getBytes(UTF_8);
  private static final byte[] BETWEEN = "\",\"at\":".getBytes(UTF_8);

  private Actions() {}

  /** `user` is UTF-8. */
  public static byte[] json(byte[] user, long at) {
    byte[] quoted = quoted(user);
    byte[] time = Long.toString(at).getBytes(UTF_8);
    byte[] json = new byte[START.length + quoted.length + BETWEEN.length + time.length + 1];
    int end = append(json, 0, START);
    end = append(json, end, quoted);
    end = append(json, end, BETWEEN);
    end = append(json, end, time);
    json[end] = '}';
    return json;
  }

  private static int append(byte[] json, int at, byte[] part) {
    System.arraycopy(part, 0, json, at, part.length);
    return at + part.length;
  }

  /** As it stands when nothing in it needs an escape. */
  private static byte[] quoted(byte[] text) {
    for (byte each : text) {
      if (each == '"' || each == '\\' || (each >= 0 && each < ' ')) {
        return JsonStringEncoder.getInstance().quoteAsUTF8(new String(text, UTF_8));
      }
    }
    return text;
  }
}
