"""The tables and pictures of docs/bandwidth.md, from measured points."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

Points = list[dict[str, Any]]

DIRECTIONS = {"out": "guest → network", "in": "network → guest"}
RULE = {"out": 300, "in": 50}
"""ms of the rate that our rule's burst holds."""
_BANDS = {"TCP": (0.93, 1.02), "UDP": (0.95, 1.02)}
_COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700")
_PANEL = (250, 190)
_MARGIN = (58, 46)
_GAP = 34
_TOP = 1.1


def draw(compared: Points, swept: Points, docs: Path) -> str:
    """Write the pictures and the generated part of bandwidth.md; returns the table as text."""
    table = comparison(compared)
    (docs / "bandwidth-sweep.svg").write_text(sweep_picture(swept))
    page = docs / "bandwidth.md"
    text = page.read_text()
    for name, part in (("comparison", table), ("sweep", sweep_table(swept))):
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda m, part=part: m[1] + part + m[2], text, flags=re.DOTALL)  # type: ignore[misc]
    page.write_text(text)
    return table


def comparison(points: Points) -> str:
    """A Markdown table: a row for each traffic and rule, a column for each rate."""
    rates = sorted({point["rate"] for point in points})
    lines = []
    for direction, title in DIRECTIONS.items():
        lines.append(f"**{title}**\n")
        lines.append("| traffic | rule |" + "".join(f" {_rate(r)} |" for r in rates))
        lines.append("|---|---|" + "---|" * len(rates))
        found = [point for point in points if point["direction"] == direction]
        previous = ""
        for traffic in dict.fromkeys(point["traffic"] for point in found):
            for rule in dict.fromkeys(point["rule"] for point in found):
                cells = [_cell(found, traffic, rule, rate) for rate in rates]
                shown = "" if traffic == previous else traffic
                lines.append(f"| {shown} | {rule} | " + " | ".join(cells) + " |")
                previous = traffic
        lines.append("")
    return "\n".join(lines) + "\n"


def _cell(points: Points, traffic: str, rule: str, rate: int) -> str:
    for point in points:
        if (point["traffic"], point["rule"], point["rate"]) == (traffic, rule, rate):
            low, high = _BANDS[traffic[:3]]
            text = f"{100 * point['share']:.1f}"
            return text if low <= point["share"] <= high else f"**{text}**"
    return ""


def sweep_table(points: Points) -> str:
    """A Markdown table for each direction: goodput in % against the burst."""
    lines = []
    for direction, title in DIRECTIONS.items():
        found = [point for point in points if point["direction"] == direction]
        if not found:
            continue
        bursts = sorted({point["burst"] for point in found})
        lines.append(f"**{title}**, burst in ms of the rate\n")
        lines.append(
            "| MTU | offloads | delay | streams | rate |" + "".join(f" {b} |" for b in bursts)
        )
        lines.append("|---|---|---|---|---|" + "---|" * len(bursts))
        keys = ("mtu", "offloads", "delay", "streams", "rate")
        for key in dict.fromkeys(tuple(point[name] for name in keys) for point in found):
            shares = {
                point["burst"]: point["share"]
                for point in found
                if tuple(point[name] for name in keys) == key
            }
            mtu, offloads, delay, streams, rate = key
            cells = [f"{100 * shares[b]:.0f}" if b in shares else "" for b in bursts]
            head = f"| {mtu} | {'on' if offloads else 'off'} | {delay} ms | {streams} |"
            lines.append(f"{head} {_rate(rate)} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines) + "\n"


def sweep_picture(points: Points) -> str:
    """An SVG: TCP goodput against the policer's burst, a panel for each rate (MTU 1500)."""
    shown = [p for p in points if p["direction"] == "out" and p["mtu"] == 1500]
    rates = sorted({point["rate"] for point in shown})
    width = _MARGIN[0] + len(rates) * (_PANEL[0] + _GAP)
    height = _PANEL[1] + 2 * _MARGIN[1] + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_MARGIN[0]}" y="16" font-size="14">What TCP gets of max_bandwidth,'
        " against the policer's burst (guest sends, MTU 1500)</text>",
    ]
    for number, rate in enumerate(rates):
        left = _MARGIN[0] + number * (_PANEL[0] + _GAP)
        parts += _panel([p for p in shown if p["rate"] == rate], rate, left, number == 0)
    parts += _legend(_MARGIN[0], height - 14)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(points: Points, rate: int, left: int, first: bool) -> list[str]:
    bottom = _MARGIN[1] + _PANEL[1]
    bursts = sorted({point["burst"] for point in points})
    span = math.log(bursts[-1] / bursts[0])

    def x(burst: float) -> float:
        return left + _PANEL[0] * math.log(burst / bursts[0]) / span

    def y(share: float) -> float:
        return bottom - _PANEL[1] * min(share, _TOP) / _TOP

    low, high = _BANDS["TCP"]
    parts = [
        f'<text x="{left}" y="{_MARGIN[1] - 8}">{_rate(rate)}</text>',
        f'<rect x="{left}" y="{y(high):.1f}" width="{_PANEL[0]}"'
        f' height="{y(low) - y(high):.1f}" fill="#dafbe1"/>',
        f'<line x1="{x(RULE["out"]):.1f}" y1="{_MARGIN[1]}" x2="{x(RULE["out"]):.1f}"'
        f' y2="{bottom}" stroke="#8c959f" stroke-dasharray="4 3"/>',
        f'<rect x="{left}" y="{_MARGIN[1]}" width="{_PANEL[0]}" height="{_PANEL[1]}"'
        ' fill="none" stroke="#8c959f"/>',
    ]
    for percent in (0, 25, 50, 75, 100):
        at = y(percent / 100)
        parts.append(
            f'<line x1="{left}" y1="{at:.1f}" x2="{left + _PANEL[0]}" y2="{at:.1f}"'
            ' stroke="#d0d7de" stroke-width="0.5"/>'
        )
        if first:
            parts.append(
                f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{percent} %</text>'
            )
    for burst in (100, 200, 300, 500, 1000):
        parts.append(
            f'<text x="{x(burst):.1f}" y="{bottom + 15}" text-anchor="middle" font-size="10">'
            f"{burst}</text>"
        )
    parts.append(
        f'<text x="{left + _PANEL[0] / 2}" y="{bottom + 30}" text-anchor="middle">'
        "burst, ms of the rate</text>"
    )
    for colour, (delay, streams) in zip(_COLOURS, _LINES):
        for offloads, dash in ((True, ""), (False, ' stroke-dasharray="3 2"')):
            line = sorted(
                (p["burst"], p["share"])
                for p in points
                if (p["delay"], p["streams"], p["offloads"]) == (delay, streams, offloads)
            )
            if line:
                path = " ".join(f"{x(burst):.1f},{y(share):.1f}" for burst, share in line)
                parts.append(
                    f'<polyline points="{path}" fill="none" stroke="{colour}"'
                    f' stroke-width="1.6"{dash}/>'
                )
    return parts


_LINES = ((0, 1), (0, 8), (20, 1), (20, 8))
"""(delay in ms, streams) of the lines in a panel."""


def _legend(left: int, y: int) -> list[str]:
    parts = []
    for number, (colour, (delay, streams)) in enumerate(zip(_COLOURS, _LINES)):
        at = left + 175 * number
        parts.append(
            f'<line x1="{at}" y1="{y - 4}" x2="{at + 22}" y2="{y - 4}" stroke="{colour}"'
            ' stroke-width="2"/>'
            f'<text x="{at + 28}" y="{y}">{streams} stream{"s" if streams > 1 else ""},'
            f" {delay} ms</text>"
        )
    note = "green: 93 to 102 % · dashed: the rule · dotted lines: without offloads"
    parts.append(f'<text x="{left + 700}" y="{y}">{note}</text>')
    return parts


def _rate(rate: int) -> str:
    return f"{rate / 10**6:g} Mbit/s"
