"""Prepaid credits that a business can trust.

Customers buy credit packages through Polar, spend credits per operation and see every credit move.

Begin with ``ledger`` (balances, and the only code that changes them), then ``checkout.fulfil`` (how credits enter for
money), ``webhooks.inbox`` (what Polar tells us) and ``app.create_app`` (how the house is put together). The floors
and two walks through them are drawn in docs/architecture.md.
"""
