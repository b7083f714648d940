package tripline.peers;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.util.Collector;

/** "add_to_cart, and no purchase within 24 hours": a pattern that ends in a negation, which matches when its time is over. */
final class Absence {
  private static final Duration WITHIN = Duration.ofHours(24);
  /** A purchase at the deadline is in time, and to Flink a window's end is outside of it. */
  private static final Duration WINDOW = WITHIN.plusMillis(1);

  private Absence() {}

  static DataStream<Action> actions(KeyedStream<UserEvent, String> events) {
    // A later cart restarts the clock: it forbids the match of the earlier one, and begins its own.
    Pattern<UserEvent, ?> pattern =
        Pattern.<UserEvent>begin("cart")
            .where(SimpleCondition.of(UserEvent::isCart))
            .notFollowedBy("anything that ends or restarts the clock")
            .where(SimpleCondition.of(event -> event.isCart() || event.isPurchase()))
            .within(WINDOW);
    return CEP.pattern(events, pattern).process(new CartToAction());
  }

  private static final class CartToAction extends PatternProcessFunction<UserEvent, Action> {
    @Override
    public void processMatch(Map<String, List<UserEvent>> match, Context context, Collector<Action> out) {
      UserEvent cart = match.get("cart").get(0);
      out.collect(new Action(cart.user, cart.timestamp + WITHIN.toMillis()));
    }
  }
}
