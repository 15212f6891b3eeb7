"""The names of an audience's scopes, from the bytes that a key set ends with (FORMAT.md, section 3)."""


def catalog_names(key_set: bytes) -> dict[int, str]:
    """Names by number. Of what precedes the catalog nothing is kept: it is secret."""
    at = _HEADER_LEN
    signing_keys, at = key_set[at], at + 1
    for _ in range(signing_keys):
        at += _EPOCH_LEN + _SECRET_LEN
        at += 1 + key_set[at] + _WINDOWS_LEN
    count, at = int.from_bytes(key_set[at:at + 2], "big"), at + 2
    names = {}
    for _ in range(count):
        length = key_set[at + 2]
        names[key_set[at]] = key_set[at + 3:at + 3 + length].decode("ascii")
        at += 3 + length
    return names


# Version, tenant, audience, edition, five bounds, list key.
_HEADER_LEN = 1 + 2 + 1 + 4 + 5 * 4 + 32
_EPOCH_LEN = 1
_SECRET_LEN = 32
_WINDOWS_LEN = 3 * 4
