"""Lists: filters, order, and pages of at most a hundred."""

from datetime import UTC, datetime, timedelta

from .program import StandIn


def test_a_page_has_at_most_a_hundred_rows_whatever_is_asked(own_stand_in: StandIn) -> None:
    for number in range(101):
        own_stand_in.polar.customers.create(email=f"c{number}@example.com")
    first = own_stand_in.polar.customers.list(limit=500)

    assert len(first.items) == 100
    assert (first.pagination.total_count, first.pagination.max_page) == (101, 2)
    assert first.items[0].email == "c100@example.com"
    assert [c.email for c in own_stand_in.polar.customers.list(page=2, limit=500).items] == ["c0@example.com"]
    assert len(own_stand_in.polar.customers.list().items) == 10
    assert len(list(own_stand_in.polar.customers.iter_list(limit=50))) == 101


def test_a_page_below_one_is_refused(stand_in: StandIn) -> None:
    answer = stand_in.http.get("/v1/orders/", params={"page": 0})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "page"]


def test_orders_are_found_by_every_filter_that_a_reconciliation_uses(own_stand_in: StandIn) -> None:
    polar, began = own_stand_in.polar, datetime.now(UTC)
    ada = polar.customers.create(email="ada@example.com", external_id="acc-1")
    polar.customers.create(email="bob@example.com", external_id="acc-2")
    checkout, first = own_stand_in.buy(external_customer_id="acc-1", metadata={"purchase_id": "p-1"})
    _, second = own_stand_in.buy(external_customer_id="acc-2", metadata={"purchase_id": "p-2", "n": 7})

    def ids(**filters: object) -> list[str]:
        return [order.id for order in polar.orders.list(**filters).items]

    assert ids() == [second.id, first.id]
    assert ids(sorting=["created_at"]) == [first.id, second.id]
    assert ids(checkout_id=checkout.id) == [first.id]
    assert ids(customer_id=ada.id) == [first.id]
    assert ids(external_customer_id="acc-2") == [second.id]
    assert ids(external_customer_id=["acc-1", "acc-2"], limit=1, page=2) == [first.id]
    assert ids(external_customer_id="nobody") == []
    assert ids(product_id=second.product_id) == [second.id]
    assert ids(status="paid") == [second.id, first.id]
    assert ids(status=["refunded", "draft"]) == []
    assert ids(metadata={"purchase_id": "p-1"}) == [first.id]
    assert ids(metadata={"n": "7"}) == [second.id]
    assert ids(created_after=first.created_at) == [second.id]
    assert ids(created_before=second.created_at) == [first.id]
    assert ids(created_after=(began - timedelta(hours=1)).isoformat()) == [second.id, first.id]


def test_products_are_found_by_what_they_are(own_stand_in: StandIn) -> None:
    starter, old = own_stand_in.sell("Starter", 1000), own_stand_in.sell("Old package", 900)
    own_stand_in.polar.products.update(old.id, is_archived=True)

    def names(**filters: object) -> list[str]:
        return [product.name for product in own_stand_in.polar.products.list(**filters).items]

    assert names(is_archived=False) == ["Starter"]
    assert names(is_archived=True) == ["Old package"]
    assert names(id=[starter.id]) == ["Starter"]
    assert names(query="old") == ["Old package"]
    assert names(metadata={"credits": "5000"}, sorting=["name"]) == ["Old package", "Starter"]
    assert names(is_recurring=True) == []


def test_an_unknown_order_of_a_list_is_refused(stand_in: StandIn) -> None:
    assert stand_in.http.get("/v1/orders/", params={"sorting": "colour"}).status_code == 422
