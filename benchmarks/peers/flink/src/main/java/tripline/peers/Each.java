package tripline.peers;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Every purchase is an action at once; when a user's last one was is remembered. */
final class Each extends KeyedProcessFunction<String, UserEvent, Action> {
  private transient ValueState<Long> lastPurchase;

  @Override
  public void open(OpenContext context) {
    lastPurchase = getRuntimeContext().getState(new ValueStateDescriptor<>("last-purchase", Long.class));
  }

  @Override
  public void processElement(UserEvent event, Context context, Collector<Action> out) throws Exception {
    if (!event.isPurchase()) {
      return;
    }
    lastPurchase.update(event.timestamp);
    out.collect(new Action(event.user, event.timestamp));
  }
}
