import pytest
from creditapp import ledger
pytestmark=pytest.mark.both_databases
def test_a(account):
    assert ledger.balance(account).available==100
def test_b(client, account):
    assert client.get("/healthz").status_code==200
    assert client.get("/readyz").status_code==200
    assert client.get("/api/credits/balance").status_code==401
def test_c(api, make_key, account):
    r=api(make_key(account)).get("/balance"); print(r.text); assert r.status_code==200
def test_v(valkey): assert valkey.url
