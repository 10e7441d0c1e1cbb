"""The whole product in a real Chromium: what people see and press, and what every page owes to everybody."""
