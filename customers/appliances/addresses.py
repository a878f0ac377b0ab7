"""A postal address as parts that can be compared, whatever way it was written. Pure.

What is compared is a spelling without case, accents, punctuation and abbreviations. Chinese addresses are
read by `chinese_addresses.py`, all others by `latin_addresses.py`. What `Address.spelled` gives is read as
the same address again.
"""

from customers.appliances import chinese_addresses, latin_addresses
from customers.appliances.address_parts import Address

__all__ = ["Address", "read_address"]


def read_address(text: str) -> Address | None:
    """The parts of an address; None where there is no street in it."""
    chinese = chinese_addresses.is_chinese(text)
    found = chinese_addresses.read(text) if chinese else latin_addresses.read(text)
    return found if found.street else None
