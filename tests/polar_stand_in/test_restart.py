"""The program is killed and started again: no charge and no webhook is lost."""

import signal
from pathlib import Path

from .program import Shop, StandIn, eventually, person


def test_charges_orders_and_the_clock_are_kept_over_a_kill(own_stand_in: StandIn) -> None:
    own_stand_in.control("clock", advance_seconds=5 * 86_400)
    checkout, order = own_stand_in.buy(metadata={"purchase_id": "p-1"})
    charges = own_stand_in.charges()
    own_stand_in.end(signal.SIGKILL)
    own_stand_in.start()

    assert own_stand_in.charges() == charges
    assert [charge["order"] for charge in charges] == [order.id]
    assert own_stand_in.orders_of(checkout)[0].metadata == {"purchase_id": "p-1"}
    assert own_stand_in.sell().created_at > order.created_at
    assert own_stand_in.post(checkout.url, person()).status_code == 303
    assert own_stand_in.charges() == charges


def test_webhooks_that_were_waiting_go_out_after_a_kill(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", delay_seconds=1.5)
    checkout, order = own_stand_in.buy()
    own_stand_in.end(signal.SIGKILL)
    assert own_shop.about(checkout.id, order.id) == []
    own_stand_in.start()

    (paid,) = own_shop.wait_for(lambda letter: letter.type == "order.paid")
    assert paid.data["id"] == order.id
    own_shop.wait_for(lambda letter: letter.data.get("platform_fee_amount") == 250)


def test_a_webhook_that_failed_is_tried_again_after_a_kill(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_shop.answer = lambda _letter, _count: 500
    product = own_stand_in.sell()
    own_shop.wait_for(lambda letter: letter.data["id"] == product.id)
    assert eventually(lambda: len(own_stand_in.deliveries(product.id)[0]["attempts"]) == 1)
    own_stand_in.end(signal.SIGKILL)
    own_shop.answer = lambda _letter, _count: 200
    own_stand_in.start()
    own_shop.wait_for(lambda letter: letter.data["id"] == product.id, count=2)
    assert len({letter.id for letter in own_shop.about(product.id)}) == 1


def test_sigterm_ends_it_at_once_and_in_peace(own_stand_in: StandIn) -> None:
    assert own_stand_in.http.get("/v1/products/").status_code == 200
    assert own_stand_in.end(signal.SIGTERM) == 0


def test_it_is_small_and_its_log_names_no_secret(own_stand_in: StandIn) -> None:
    checkout, _ = own_stand_in.buy()
    status = Path(f"/proc/{own_stand_in.pid}/status").read_text()
    resident_kb = int(status.split("VmRSS:")[1].split()[0])
    assert resident_kb < 80 * 1024

    log = own_stand_in.log.read_text()
    assert log.strip() == f"ready {own_stand_in.base}"
    assert checkout.client_secret not in log


def test_a_taken_port_is_one_clear_sentence(own_stand_in: StandIn, tmp_path: Path, own_shop: Shop) -> None:
    second = StandIn(tmp_path / "second", own_shop.url)
    second.port = own_stand_in.port
    second.base = own_stand_in.base
    second.start()
    assert second.end(0) != 0
    second.close()
    assert f"cannot listen on 127.0.0.1:{own_stand_in.port}" in second.log.read_text()
