"""Random streams: which key a stream's name stands for, the same in every reading and process."""

__all__ = ["stream_key"]

_FNV_OFFSET = 0x811C9DC5
_FNV_PRIME = 0x01000193


def stream_key(name: str) -> int:
    """The 32-bit FNV-1a hash of the name's UTF-8 bytes (Fowler, Noll, Vo; RFC 9923).

    >>> hex(stream_key("a"))
    '0xe40c292c'
    """
    key = _FNV_OFFSET
    for byte in name.encode():
        key = (key ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return key
