package tripline.peers;

/**
 * An event of a user, as it flows through the job: a POJO in Flink's sense, so that it is written by Flink's own
 * serializer and never by Kryo.
 */
public final class UserEvent {
  public String user;
  public boolean isPurchase;
  public long timestamp;

  public UserEvent() {}

  UserEvent(String user, boolean isPurchase, long timestamp) {
    this.user = user;
    this.isPurchase = isPurchase;
    this.timestamp = timestamp;
  }

  boolean isCart() {
    return user != null && !isPurchase;
  }

  boolean isPurchase() {
    return isPurchase;
  }

  /** Neither a cart nor a purchase: it only moves time on. */
  boolean isOther() {
    return user == null;
  }
}
