"""Amounts for people: minor units and a currency as one word."""

ZERO_DECIMAL = {
    "bif",
    "clp",
    "djf",
    "gnf",
    "jpy",
    "kmf",
    "krw",
    "mga",
    "pyg",
    "rwf",
    "vnd",
    "vuv",
    "xaf",
    "xof",
    "xpf",
}  # facts §4
SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}


def priced(amount: int, currency: str) -> str:
    """4000, usd → ``$40.00``; currencies without a sign of their own are named: ``40.00 CHF``."""
    number = f"{amount:,}" if currency in ZERO_DECIMAL else f"{amount // 100:,}.{amount % 100:02d}"
    return f"{SIGNS[currency]}{number}" if currency in SIGNS else f"{number} {currency.upper()}"
