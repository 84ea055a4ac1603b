"""Plots as SVG, drawn by hand: so few lines need no library."""

import math

from workloads import MODELS, OPERATIONS

COLOURS = {"tacita": "#0b6e99", "torch": "#666666", "crypten": "#c8553d", "spu": "#d9a404"}
PHASES = {"setup": "#b8c4cc", "offline": "#6aa9c4", "online": "#0b6e99"}
WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 90, 20, 40, 50


def text(x, y, words, anchor="middle"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def svg(height, parts):
    style = "text{font:12px sans-serif;fill:#222}line{stroke:#ddd}polyline{fill:none;stroke-width:2}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head, f"<style>{style}</style>", ground, *parts, "</svg>"]) + "\n"


def legend(colours):
    parts = []
    for index, (name, colour) in enumerate(colours.items()):
        x = LEFT + 110 * index
        parts.append(f'<rect x="{x}" y="22" width="12" height="8" fill="{colour}"/>')
        parts.append(text(x + 18, 30, name, "start"))
    return parts


def times_by_size(op, rows):
    """Seconds against size, both logarithmic, a line a system."""
    lines = {}
    for system in COLOURS:
        points = [(size, rows.get(f"{op}:{size}", {}).get(system, {}).get("median")) for size in OPERATIONS[op]]
        lines[system] = [(size, seconds) for size, seconds in points if seconds]
    every = [point for points in lines.values() for point in points]
    if not every:
        return svg(HEIGHT, [text(WIDTH / 2, HEIGHT / 2, f"{op} was not measured")])
    sizes, seconds = zip(*every)
    low, high = (round_to(math.log10(min(seconds)), math.floor), round_to(math.log10(max(seconds)), math.ceil))
    first, last = math.log10(min(sizes)), math.log10(max(sizes))

    def place(size, time):
        x = (math.log10(size) - first) / ((last - first) or 1)
        y = (math.log10(time) - low) / ((high - low) or 1)
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    parts = [text(WIDTH / 2, 14, f"{op}: seconds against size"), *legend(COLOURS)]
    for power in range(low, high + 1):
        _, y = place(10**first, 10.0**power)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text(LEFT - 8, y + 4, f"{10.0**power:g} s", "end"))
    for size in sorted(set(sizes)):
        parts.append(text(place(size, 10.0**low)[0], HEIGHT - BOTTOM + 20, f"{size:,}"))
    for system, points in lines.items():
        places = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in points)
        parts.append(f'<polyline points="{places}" stroke="{COLOURS[system]}"/>')
    return svg(HEIGHT, parts)


def round_to(power, rounding):
    return int(rounding(power))


def phases(rows):
    """The share of each phase in Tacita's time, a bar a network."""
    parts = [text(WIDTH / 2, 14, "share of each phase"), *legend(PHASES)]
    y = TOP + 10
    for name in MODELS:
        measured = rows.get(name, {}).get("tacita", {}).get("last", {}).get("phases")
        if not measured:
            continue
        total = sum(measured[phase] for phase in PHASES)
        parts.append(text(LEFT - 8, y + 17, name, "end"))
        x = LEFT
        for phase, colour in PHASES.items():
            width = (WIDTH - LEFT - RIGHT) * measured[phase] / total
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="24" fill="{colour}"/>')
            if width > 50:
                parts.append(text(x + width / 2, y + 17, f"{measured[phase]:.3g} s"))
            x += width
        y += 34
    return svg(y + 10, parts)
