package tripline.peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;

/**
 * Reads an event's name and time from its JSON, token by token: no tree is built and no string is made of what is not
 * asked for.
 *
 * <p>Invariant: with {@code validate} every byte is read, and JSON that is broken anywhere is refused. Without, reading
 * ends with the second of the two fields.
 */
public final class EventReader {
  private final JsonFactory factory = new JsonFactory();
  private final boolean validate;

  public EventReader(boolean validate) {
    this.validate = validate;
  }

  /** Throws when it is no JSON object, or has no name or no time. */
  public Event read(byte[] bytes) throws IOException {
    try (JsonParser parser = factory.createParser(bytes)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new JsonParseException(parser, "not an object");
      }
      Event.Kind kind = null;
      long timestamp = Long.MIN_VALUE;
      for (String field; (field = parser.nextFieldName()) != null; ) {
        // Names are interned by the parser, but equals() finds that out by itself.
        if (field.equals("event")) {
          kind = kindOf(parser.nextTextValue());
        } else if (field.equals("timestamp")) {
          timestamp = timeOf(parser);
        } else {
          parser.nextToken();
          parser.skipChildren();
        }
        if (!validate && kind != null && timestamp != Long.MIN_VALUE) {
          return new Event(kind, timestamp);
        }
      }
      if (parser.nextToken() != null) {
        throw new JsonParseException(parser, "more than one value");
      }
      if (kind == null || timestamp == Long.MIN_VALUE) {
        throw new JsonParseException(parser, "no event or no timestamp");
      }
      return new Event(kind, timestamp);
    }
  }

  private static Event.Kind kindOf(String name) {
    if (name == null) {
      return null;
    }
    return switch (name) {
      case "add_to_cart" -> Event.Kind.CART;
      case "purchase" -> Event.Kind.PURCHASE;
      default -> Event.Kind.OTHER;
    };
  }

  private static long timeOf(JsonParser parser) throws IOException {
    JsonToken token = parser.nextToken();
    if (token == JsonToken.VALUE_NUMBER_INT) {
      return parser.getLongValue();
    }
    if (token != JsonToken.VALUE_STRING) {
      throw new JsonParseException(parser, "a timestamp that is neither text nor an integer");
    }
    char[] text = parser.getTextCharacters();
    int offset = parser.getTextOffset();
    int length = parser.getTextLength();
    long time = IsoTime.parse(text, offset, length);
    if (time != IsoTime.OTHER) {
      return time;
    }
    try {
      return Instant.parse(new String(text, offset, length)).toEpochMilli();
    } catch (DateTimeException error) {
      throw new JsonParseException(parser, "a timestamp that is no time", error);
    }
  }
}
