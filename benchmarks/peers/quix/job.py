"""The job of benchmarks/peers in Quix Streams. README.md tells the choices.

Starts as many processes as asked for, each a member of one consumer group, and prints READY once one has taken an event.
"""

import argparse
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from quixstreams import Application
from quixstreams.context import message_context

DAY_MS = 86_400_000
OUT_OF_ORDERNESS_MS = 5_000
# Deadlines are looked for by the minute they fall in: few users share a list, and few lists are looked for in vain.
SLOT_MS = 60_000
LOOK_SECONDS = 0.05


def main() -> None:
    options = arguments()
    if options.processes == 1:
        run(options)
        return
    each = [sys.executable, __file__, *sys.argv[1:], "--processes", "1", "--state-dir"]
    children = [
        subprocess.Popen([*each, str(Path(options.state_dir) / str(number))]) for number in range(options.processes)
    ]

    def stop(*_: object) -> None:
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    # One that ends takes the others along.
    while all(child.poll() is None for child in children):
        time.sleep(LOOK_SECONDS)
    stop()
    sys.exit(max(abs(child.wait()) for child in children))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ["brokers", "input", "output", "application", "guarantee", "state-dir"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--commit-ms", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    said = False

    def say_ready(*_: object) -> None:
        nonlocal said
        if not said:
            print("READY", flush=True)
        said = True

    app = Application(
        broker_address=options.brokers,
        consumer_group=options.application,
        auto_offset_reset="earliest",
        commit_interval=options.commit_ms / 1000,
        state_dir=options.state_dir,
        processing_guarantee=options.guarantee.replace("_", "-"),
        loglevel="WARNING",
        on_message_processed=say_ready,
    )
    events = app.dataframe(app.topic(options.input, key_deserializer="str", value_deserializer="json"))
    # What `apply(…, stateful=True)` does, but for the user of a deadline too and not only for that of the event.
    events.register_store()
    actions = events.apply(Absence(events).actions, expand=True, metadata=True)
    actions.to_topic(app.topic(options.output, value_serializer="json"), key=lambda action: action["user"])
    app.run()


class Absence:
    """An add_to_cart starts a clock, another one restarts it, a purchase ends it; after a day there is an action.

    State, in the one store of each partition: `cart` of a user, the time of the add_to_cart whose clock runs; the users
    whose deadlines fall into a slot of a minute, by slot; and `looked`, the first slot not looked at.
    """

    def __init__(self, events) -> None:
        self._events = events
        # Up to which slot each partition was looked at, so that it is not read from its store for every event.
        self._looked: dict[int, int] = {}

    def actions(self, event: dict, key: str, _timestamp: int, _headers: object) -> list[dict]:
        state_of = self._state_of()
        now = int(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000 + 0.5)
        actions = self._due(state_of, now - OUT_OF_ORDERNESS_MS)
        name = event["event"]
        if name != "add_to_cart" and name != "purchase":
            return actions
        user = state_of(key)
        cart = user.get("cart")
        # The slot of its deadline may not be over yet.
        if cart is not None and cart + DAY_MS < now:
            actions.append(action_of(key, cart))
        if name == "purchase":
            if cart is not None:
                user.delete("cart")
            return actions
        user.set("cart", now)
        slots = state_of("slots")
        slot = str((now + DAY_MS) // SLOT_MS)
        slots.set(slot, [*slots.get(slot, []), key])
        return actions

    def _state_of(self):
        """State by key, of the partition of the event that is being processed."""
        transaction = self._events.processing_context.checkpoint.get_store_transaction(
            stream_id=self._events.stream_id, partition=message_context().partition
        )
        return transaction.as_state

    def _due(self, state_of, time_ms: int) -> list[dict]:
        """The actions of the slots that are over."""
        partition = message_context().partition
        over = time_ms // SLOT_MS
        if over <= self._looked.get(partition, -1):
            return []
        slots = state_of("slots")
        actions: list[dict] = []
        for slot in range(slots.get("looked", over), over):
            for key in slots.get(str(slot), []):
                user = state_of(key)
                cart = user.get("cart")
                # A later add_to_cart has its own slot.
                if cart is not None and (cart + DAY_MS) // SLOT_MS <= slot:
                    user.delete("cart")
                    actions.append(action_of(key, cart))
            slots.delete(str(slot))
        slots.set("looked", over)
        self._looked[partition] = over
        return actions


def action_of(user: str, cart: int) -> dict:
    return {"rule": "cart-abandonment", "user": user, "at": cart + DAY_MS}


if __name__ == "__main__":
    main()
