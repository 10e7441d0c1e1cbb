"""The page where a person pays: every test card, every mistake, and never two charges for one purchase."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from polar.v2026_10 import errors

from .program import StandIn, person

DECLINES, ASKS, SAVES = "4000 0000 0000 0002", "4000002760003184", "4000-0000-0000-0341"


def test_a_card_that_pays_leads_to_the_success_address_with_the_checkouts_id(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout(success_url="https://shop.example.com/done?c={CHECKOUT_ID}")
    page = stand_in.http.get(checkout.url)
    assert page.status_code == 200
    assert "No money moves" in page.text
    assert "$40.00" in page.text

    paid = stand_in.post(checkout.url, person())
    assert (paid.status_code, paid.headers["location"]) == (303, f"https://shop.example.com/done?c={checkout.id}")
    (order,) = stand_in.orders_of(checkout)
    (charge,) = stand_in.charges({order.id})
    assert (charge["amount"], charge["currency"], charge["card"]) == (4000, "usd", "4242")
    assert set(charge) == {"order", "customer", "customer_id", "amount", "currency", "card", "at"}


def test_a_declined_card_charges_nothing_and_another_one_still_pays(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout()
    declined = stand_in.post(checkout.url, person(DECLINES))

    assert declined.status_code == 402
    assert "declined" in declined.text
    assert 'value="4000 0000 0000 0002"' in declined.text
    assert stand_in.orders_of(checkout) == []
    assert stand_in.polar.checkouts.get(checkout.id).status == "open"
    assert stand_in.post(checkout.url, person()).status_code == 303
    assert len(stand_in.orders_of(checkout)) == 1


def test_a_bank_that_asks_is_answered_before_anything_is_charged(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout()
    asks = stand_in.post(checkout.url, person(ASKS))
    assert asks.status_code == 200
    assert "Confirm it is you" in asks.text
    assert stand_in.orders_of(checkout) == []
    assert stand_in.polar.checkouts.get(checkout.id).status == "confirmed"

    refused = stand_in.post(checkout.url, {"confirm": "refuse"})
    assert refused.status_code == 402
    assert "Nothing was charged" in refused.text
    assert stand_in.polar.checkouts.get(checkout.id).status == "open"

    stand_in.post(checkout.url, person(ASKS))
    assert "Confirm it is you" in stand_in.http.get(checkout.url).text
    assert stand_in.post(checkout.url, {"confirm": "approve"}).status_code == 303
    (order,) = stand_in.orders_of(checkout)
    assert [charge["card"] for charge in stand_in.charges({order.id})] == ["3184"]


def test_a_card_that_declines_later_pays_now_and_is_not_saved(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout()
    assert stand_in.post(checkout.url, person(SAVES)).status_code == 303
    (order,) = stand_in.orders_of(checkout)
    assert order.customer.default_payment_method_id is None


def test_a_double_click_pays_once(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout()
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: stand_in.post(checkout.url, person()), range(8)))

    assert {answer.status_code for answer in answers} == {303}
    orders = stand_in.orders_of(checkout)
    assert len(orders) == 1
    assert len(stand_in.charges({orders[0].id})) == 1


def test_a_paid_checkout_leads_on_and_charges_nothing_again(stand_in: StandIn) -> None:
    checkout, order = stand_in.buy()
    for answer in (stand_in.http.get(checkout.url), stand_in.post(checkout.url, person())):
        assert (answer.status_code, answer.headers["location"]) == (303, checkout.success_url)
    assert len(stand_in.charges({order.id})) == 1


def test_a_checkout_a_day_old_is_expired_and_cannot_be_paid(own_stand_in: StandIn) -> None:
    checkout, paid = own_stand_in.open_checkout(return_url="https://shop.example.com/credits"), own_stand_in.buy()[0]
    own_stand_in.control("clock", advance_seconds=24 * 3600 - 60)
    assert own_stand_in.http.get(checkout.url).status_code == 200
    own_stand_in.control("clock", advance_seconds=61)

    for answer in (own_stand_in.http.get(checkout.url), own_stand_in.post(checkout.url, person())):
        assert answer.status_code == 410
        assert "expired" in answer.text
        assert "https://shop.example.com/credits" in answer.text
    assert own_stand_in.polar.checkouts.get(checkout.id).status == "expired"
    assert own_stand_in.polar.checkouts.get(paid.id).status == "succeeded"
    assert own_stand_in.orders_of(checkout) == []


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("card_number", "", "Enter a card number"),
        ("card_number", "4242 4242 4242 4241", "not a card number"),
        ("card_number", "5555 5555 5555 4444", "Only the test cards"),
        ("card_number", "four", "12 to 19 digits"),
        ("email", "", "Enter an e-mail address"),
        ("email", "ada", "not an e-mail address"),
        ("country", "", "Choose a country"),
        ("country", "Germany", "Choose a country"),
        ("line1", "", "Enter a street"),
        ("city", " ", "Enter a city"),
        ("postal_code", "", "Enter a postal code"),
        ("state", "", "Enter a state"),
        ("state", "New York", "two letters"),
        ("name", "n" * 300, "At most 256"),
    ],
)
def test_a_mistake_is_named_beside_its_field_and_charges_nothing(
    stand_in: StandIn, field: str, typed: str, words: str
) -> None:
    checkout = stand_in.open_checkout()
    answer = stand_in.post(checkout.url, person(**{field: typed}) if field != "card_number" else person(typed))

    assert answer.status_code == 422
    assert words in answer.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', answer.text)
    assert stand_in.orders_of(checkout) == []


def test_only_the_country_is_needed_unless_the_whole_address_is_asked_for(stand_in: StandIn) -> None:
    short = person(country="DE", line1="", city="", postal_code="", state="")
    easy, strict = stand_in.open_checkout(), stand_in.open_checkout(require_billing_address=True)

    assert stand_in.post(strict.url, short).status_code == 422
    assert stand_in.post(easy.url, short).status_code == 303
    assert stand_in.orders_of(easy)[0].billing_address.country == "DE"
    assert stand_in.post(strict.url, person(country="DE", state="")).status_code == 303


def test_the_buyers_address_reaches_the_order_and_the_customer(stand_in: StandIn) -> None:
    stand_in.polar.customers.create(email="address@example.com", external_id="address-1")
    _, order = stand_in.buy(external_customer_id="address-1")
    customer = stand_in.polar.customers.get_external("address-1")

    for address in (order.billing_address, customer.billing_address):
        assert (address.line1, address.city, address.postal_code) == ("20 W 34th St", "New York", "10001")
        assert (address.country, address.state) == ("US", "US-NY")
    assert customer.name == "Ada Buyer"


def test_a_linked_customer_pays_whatever_address_is_typed(stand_in: StandIn) -> None:
    customer = stand_in.polar.customers.create(email="linked@example.com", external_id="linked-1")
    checkout, order = stand_in.buy(external_customer_id="linked-1", email="other@example.com")

    assert order.customer_id == customer.id
    assert order.customer.email == "linked@example.com"
    assert stand_in.polar.checkouts.get(checkout.id).customer_email == "linked@example.com"
    assert [charge["customer"] for charge in stand_in.charges({order.id})] == ["linked-1"]


def test_an_unlinked_buyer_is_found_by_address_first_and_keeps_the_external_id(stand_in: StandIn) -> None:
    known = stand_in.polar.customers.create(email="known@example.com", external_id="known-1")
    _, order = stand_in.buy(external_customer_id="brand-new", email="KNOWN@example.com")

    assert order.customer_id == known.id
    assert order.customer.external_id == "known-1"
    with pytest.raises(errors.ResourceNotFound):
        stand_in.polar.customers.get_external("brand-new")


def test_a_new_buyer_becomes_a_customer_with_the_checkouts_external_id(stand_in: StandIn) -> None:
    _, order = stand_in.buy(
        external_customer_id="fresh-1",
        email="fresh@example.com",
        customer_metadata={"plan": "a"},
        customer_email="fresh@example.com",
    )
    customer = stand_in.polar.customers.get_external("fresh-1")
    assert (order.customer_id, customer.email, customer.metadata) == (customer.id, "fresh@example.com", {"plan": "a"})


def test_a_new_buyer_whose_external_id_was_taken_meanwhile_is_refused_and_not_charged(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout(external_customer_id="taken-1")
    stand_in.polar.customers.create(email="first@example.com", external_id="taken-1")
    answer = stand_in.post(checkout.url, person(email="second@example.com"))

    assert answer.status_code == 422
    assert "another e-mail address" in answer.text
    assert stand_in.orders_of(checkout) == []
    assert stand_in.polar.checkouts.get(checkout.id).status == "open"


def test_a_free_product_needs_no_card_and_charges_nothing(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout(product=stand_in.sell("Trial", 0))
    assert "card_number" not in stand_in.http.get(checkout.url).text
    assert stand_in.post(checkout.url, person("")).status_code == 303
    (order,) = stand_in.orders_of(checkout)
    assert order.status == "paid"
    assert stand_in.charges({order.id}) == []


def test_a_checkout_without_a_success_address_ends_on_a_page_of_its_own(stand_in: StandIn) -> None:
    product = stand_in.sell()
    checkout = stand_in.polar.checkouts.create(products=[product.id])
    assert stand_in.http.get(f"{checkout.url}/confirmation").status_code == 404
    paid = stand_in.post(checkout.url, person())
    assert "Paid" in stand_in.http.get(paid.headers["location"]).text


def test_an_unknown_page_says_so(stand_in: StandIn) -> None:
    for path in ("/checkout/polar_c_nobody", "/receipts/x", "/invoices/x", "/nowhere"):
        answer = stand_in.http.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
    assert stand_in.post(f"{stand_in.base}/checkout/polar_c_nobody", person()).status_code == 404


def test_a_page_loads_only_its_own_files_and_posts_only_to_itself_and_onward(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout(success_url="http://127.0.0.1:5000/credits")
    page = stand_in.http.get(checkout.url)
    policy = page.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:5000" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert "style=" not in page.text
    for link in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        assert stand_in.http.get(link).status_code == 200
    assert urlsplit(checkout.url).path.startswith("/checkout/polar_c_")


def test_typed_markup_is_shown_as_text(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout()
    answer = stand_in.post(checkout.url, person(DECLINES, name='"><script>alert(1)</script>'))
    assert "<script" not in answer.text
