package tripline.peers;

/** What a match becomes. A POJO in Flink's sense. */
public final class Action {
  public String user;
  /** Event time it is of, ms. */
  public long at;

  public Action() {}

  Action(String user, long at) {
    this.user = user;
    this.at = at;
  }
}
