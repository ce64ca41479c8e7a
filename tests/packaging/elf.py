"""What a 64-bit little-endian ELF file says of itself."""

import pathlib
import struct
from typing import NamedTuple

PT_LOAD, PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 0x6474E551, 0x6474E552
PF_X, PF_W = 1, 2
DT_NEEDED, DT_RPATH, DT_TEXTREL, DT_RUNPATH, DT_FLAGS, DT_FLAGS_1 = 1, 15, 22, 29, 30, 0x6FFFFFFB
DF_TEXTREL, DF_BIND_NOW = 4, 8
DF_1_NOW, DF_1_PIE = 1, 0x08000000
ET_DYN = 3
STB_GLOBAL, STT_FUNC = 1, 2


class Segment(NamedTuple):
    type: int
    flags: int
    offset: int
    address: int
    size: int


class Section(NamedTuple):
    name: str
    type: int
    address: int
    offset: int
    size: int
    link: int


class Symbol(NamedTuple):
    name: str
    binding: int
    type: int
    section: int
    value: int


def text_at(table: bytes, at: int) -> str:
    return table[at : table.index(b"\0", at)].decode()


class Elf:
    def __init__(self, path: pathlib.Path):
        self._data = path.read_bytes()
        if self._data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no 64-bit little-endian ELF file")
        (self.type, _, _, _, segments_at, sections_at, _, _, segment_size, segment_count, section_size, section_count,
         names) = struct.unpack_from("<HHIQQQIHHHHHH", self._data, 16)  # fmt: skip
        self.segments = []
        for index in range(segment_count):
            kind, flags, offset, address, _, size = struct.unpack_from("<IIQQQQ", self._data, segments_at + index * segment_size)
            self.segments.append(Segment(kind, flags, offset, address, size))
        raw = [struct.unpack_from("<IIQQQQI", self._data, sections_at + index * section_size) for index in range(section_count)]
        table = self._data[raw[names][4] : raw[names][4] + raw[names][5]]
        self.sections = [
            Section(text_at(table, name), kind, address, offset, size, link)
            for name, kind, _, address, offset, size, link in raw
        ]

    def section(self, name: str) -> Section | None:
        return next((section for section in self.sections if section.name == name), None)

    def contents(self, section: Section) -> bytes:
        return self._data[section.offset : section.offset + section.size]

    def dynamic(self) -> dict[int, list[int]]:
        """The values of each tag."""
        found: dict[int, list[int]] = {}
        for segment in self.segments:
            if segment.type != PT_DYNAMIC:
                continue
            for at in range(segment.offset, segment.offset + segment.size, 16):
                tag, value = struct.unpack_from("<QQ", self._data, at)
                found.setdefault(tag, []).append(value)
        return found

    def flags(self, tag: int) -> int:
        return self.dynamic().get(tag, [0])[0]

    def symbols(self, table: str) -> list[Symbol]:
        section = self.section(table)
        if section is None:
            return []
        names = self.contents(self.sections[section.link])
        data = self.contents(section)
        found = []
        for at in range(0, len(data), 24):
            name, info, _, index, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            found.append(Symbol(text_at(names, name), info >> 4, info & 15, index, value))
        return found

    def bytes_at(self, address: int, count: int) -> bytes:
        for segment in self.segments:
            if segment.type == PT_LOAD and segment.address <= address < segment.address + segment.size:
                begin = segment.offset + address - segment.address
                return self._data[begin : begin + count]
        return b""

    def build_id(self) -> str:
        section = self.section(".note.gnu.build-id")
        if section is None:
            return ""
        data = self.contents(section)
        name_size, id_size = struct.unpack_from("<II", data)
        begin = 12 + (name_size + 3) // 4 * 4
        return data[begin : begin + id_size].hex()

    def debug_link(self) -> tuple[str, int]:
        """The file with the symbols, and its CRC."""
        section = self.section(".gnu_debuglink")
        if section is None:
            return "", 0
        data = self.contents(section)
        return text_at(data, 0), struct.unpack("<I", data[-4:])[0]
