"""What comes from one application to another, altered: the comparison must notice."""

import dataclasses

from . import compare, spring
from .direction import COLOR, QUEUES, Direction

# What no field of a delivery is.
OTHER = 99


@dataclasses.dataclass
class _Told:
    """Stands for an application that has left these lines."""

    told: list

    def lines(self, member, value=None):
        return spring.having(self.told, member, value)


def controls():
    """Names of altered deliveries, and whether the comparison notices them; `as sent` is not altered."""
    orders = spring.orders_to_send()
    for kind, told in (("orderly", _deliveries(orders)), ("text", _texts(orders)), ("greeting", _greetings(orders))):
        for name, lines in _altered(told).items():
            sent = [{**line, "sent": kind, "order": line["order"]["id"]} for line in told if kind == "orderly"]
            direction = Direction(None, orders, _Told(sent + lines), _Told(lines), stamped=True)
            yield f"{kind}, {name}", bool(direction.problems(kind))


def _deliveries(orders):
    return [
        {"came": "orderly", "order": order, "key": f"order-{order['id']}", "color": COLOR, "tag": None, "attempt": 0,
         "contentType": "application/json", "stamped": True, "id": f"id-{order['id']}", "offset": order["id"],
         "queue": compare.java_queue(order["shard"], QUEUES)}
        for order in orders
    ]  # fmt: skip


def _texts(orders):
    return [{"came": "text", "text": order["product"]} for order in orders]


def _greetings(orders):
    return [
        {"replied": "greeting", "order": order["id"], "reply": f"hello {order['product']}"} for order in orders
    ]


def _altered(told):
    """The same lines, and what a broker might make of them. A reply comes once: the client sees to that."""
    first, *rest = told
    altered = {
        "as sent": told,
        "one missing": rest,
        **{
            f"another {field}": [{**first, field: OTHER}, *rest]
            for field in first
            if field not in ("came", "replied", "order")
        },
    }
    if "came" in first:
        altered["one twice"] = [*told, first]
    if "attempt" in first:
        strange = {**first, "order": {**first["order"], "id": OTHER}}
        changed = {**first, "order": {**first["order"], "product": "coffee"}}
        late = [*rest[: spring.SHARDS], first, *rest[spring.SHARDS :]]
        altered |= {"one strange": [*told, strange], "another payload": [changed, *rest], "another order": late}
    return altered
