"""The first rate card: it holds until a later one is published. Never edited: its charges name its version."""

from decimal import Decimal

from creditapp.pricing.rate_card import Parameter, Rate, RateCard, Size

MB = 1_000_000
COMPLEXITY = Parameter(
    name="Complexity",
    choices={
        "simple": Decimal(1),
        "standard": Decimal("1.5"),
        "complex": Decimal("2.5"),
        "advanced": Decimal(4),
    },
)
PRIORITY = Parameter(
    name="Priority",
    choices={"low": Decimal("0.8"), "normal": Decimal(1), "high": Decimal("1.5"), "urgent": Decimal(2)},
)
FILE_SIZE = Parameter(
    name="File size",
    sizes=(
        Size(up_to=1 * MB, factor=Decimal(1)),
        Size(up_to=10 * MB, factor=Decimal(2)),
        Size(up_to=100 * MB, factor=Decimal(5)),
        Size(factor=Decimal(10)),
    ),
)
LARGE_FILE_SIZE = Parameter(
    name="File size",
    above=10 * MB,
    sizes=(
        Size(up_to=100 * MB, factor=Decimal(1)),
        Size(up_to=1_000 * MB, factor=Decimal(2)),
        Size(factor=Decimal(4)),
    ),
)


def _rate(key: str, name: str, credits: int, description: str, file_size: Parameter = FILE_SIZE) -> Rate:
    parameters = {"complexity": COMPLEXITY, "priority": PRIORITY, "file_size": file_size}
    return Rate(key=key, name=name, description=description, credits=Decimal(credits), parameters=parameters)


FIRST_CARD = RateCard(
    version="2026-11",
    operations=(
        _rate("basic_api_call", "Basic API call", 1, "Simple data retrieval"),
        _rate("advanced_api_call", "Advanced API call", 5, "Complex processing"),
        _rate("image_processing", "Image processing", 10, "Each image analysed"),
        _rate("ai_analysis", "AI analysis", 25, "Machine learning operations"),
        _rate("large_file_processing", "Large file processing", 50, "Files over 10 MB", LARGE_FILE_SIZE),
        _rate("data_export", "Data export", 15, "Each export"),
    ),
    aliases={"api_call": "basic_api_call"},
)
