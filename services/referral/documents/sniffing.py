"""What a document is by its first bytes, where it is none that is read here. Standard library only.

The signs are those of the formats' own specifications: magic numbers of files and archives, the
first segment or line of other trades' messages, the byte order of Unicode (RFC 8259, 8.1: JSON is
UTF-8).
"""

from __future__ import annotations

import re
from typing import Final

_SIGNS: Final = (
    (b"MSH|", "HL7 v2"),
    (b"FHS|", "HL7 v2"),
    (b"BHS|", "HL7 v2"),
    (b"H|\\^&", "ASTM"),
    (b"H|^~\\&", "HPRIM"),
    (b"UNA", "EDIFACT"),
    (b"UNB+", "EDIFACT"),
    (b"ISA*", "X12"),
    (b"%PDF", "PDF"),
    (b"{\\rtf", "RTF"),
    (b"PK\x03\x04", "en ZIP-fil"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"(\xb5/\xfd", "Zstandard"),
    (b"x\x9c", "zlib"),
    (b"x\x01", "zlib"),
    (b"x\xda", "zlib"),
    (b"\xd0\xcf\x11\xe0", "et Office-dokument"),
    (b"\xff\xd8\xff", "et JPEG-billede"),
    (b"\x89PNG", "et PNG-billede"),
    (b"GIF8", "et GIF-billede"),
    (b"II*\x00", "et TIFF-billede"),
    (b"MM\x00*", "et TIFF-billede"),
    (b"Obj\x01", "Avro"),
    (b"--", "multipart"),
    (b"Content-", "en e-mail eller multipart"),
    (b"MIME-Version:", "en e-mail"),
    (b"From:", "en e-mail"),
    (b"Received:", "en e-mail"),
    (b"Return-Path:", "en e-mail"),
)
_WITHIN: Final = ((128, b"DICM", "DICOM"), (257, b"ustar", "et tar-arkiv"))
_XDT: Final = re.compile(rb"\d{3}8000")
_CODED: Final = re.compile(rb"[A-Za-z0-9+/\r\n]{24,}=*\s*")
_UTF_16: Final = (b"\xff\xfe{", b"\xfe\xff\x00{", b"{\x00")
_UTF_32: Final = (b"\xff\xfe\x00\x00{", b"\xfe\xff\x00\x00\x00{", b"{\x00\x00\x00")


def foreign(value: bytes, start: bytes) -> str | None:
    """The name of what a document is; None where it may be one that is read here.

    `start`: its first 256 bytes without white space, byte order mark and framing.
    """
    for sign, name in _SIGNS:
        if start.startswith(sign):
            return name
    for at, sign, name in _WITHIN:
        if value[at : at + len(sign)] == sign:
            return name
    if _XDT.match(start):
        return "xDT"
    return "kodet som base64 eller hex" if _CODED.fullmatch(start) else None


def wide(start: bytes) -> str | None:
    """The name of the character set of JSON that isn't UTF-8 but has its characters' code points.

    UTF-32 is asked first: it begins as UTF-16 does.
    """
    if start.startswith(_UTF_32):
        return "UTF-32"
    return "UTF-16" if start.startswith(_UTF_16) else None
