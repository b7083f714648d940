package tripline.peers;

/** What the jobs need of an event: what it is, and its own time (ms since 1970). */
public record Event(Kind kind, long timestamp) {
  public enum Kind {
    CART,
    PURCHASE,
    OTHER
  }
}
