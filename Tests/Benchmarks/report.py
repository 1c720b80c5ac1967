"""Samples to medians, ratios, targets; JSON and Markdown."""

import json
import math
import statistics

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
CIPHER_NAMES = {"aes128": "aes128-gcm", "chacha20": "chacha20-poly1305"}
DIRECTION_NAMES = {"down": "from host", "up": "to host"}


def percentile(values, share):
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarise(samples, names, facts, seconds):
    summary = {}
    for metric, by_name in sorted(samples.items()):
        summary[metric] = {
            name: {
                "count": len(values), "min": min(values), "max": max(values), "p50": statistics.median(values),
                "p99": percentile(values, 0.99),
            } for name, values in by_name.items()
        }
    result = {"schema": 1, "systems": names, "facts": facts, "seconds": seconds, "summary": summary, "samples": samples}
    result["targets"] = targets(result)
    return result


def value(result, metric, name, figure="p50"):
    return result["summary"].get(metric, {}).get(name, {}).get(figure)


def targets(result):
    """Each aim as: what, against whom, ratio, bound, met."""
    wanted = []
    for cipher, title in CIPHER_NAMES.items():
        for direction, way in DIRECTION_NAMES.items():
            for other in ("jump", "force"):
                wanted.append((f"bulk wall, {way}, {title}", f"wall_{direction}_{cipher}", "p50", other, "<=", 0.8))
            wanted.append((f"gateway CPU, {way}, {title}", f"cpu_{direction}_{cipher}", "p50", "force", "<=", 0.7))
    wanted.append(("login p50", "login", "p50", "direct", "<=", 1.0))
    wanted.append(("logins/s, 8 in parallel", "rate", "p50", "jump", ">=", 1.5))
    for other in ("jump", "force"):
        wanted.append(("echo p99", "echo", "p99", other, "<=", 0.8))
    wanted.append(("PSS per idle session at 200", "pss_200", "p50", "jump", "<=", 1.0))
    rows = []
    for what, metric, figure, other, relation, bound in wanted:
        ours, theirs = value(result, metric, "gatehouse", figure), value(result, metric, other, figure)
        if ours is None or not theirs:
            continue
        ratio = ours / theirs
        met = ratio <= bound if relation == "<=" else ratio >= bound
        rows.append({"what": what, "against": other, "ratio": ratio, "relation": relation, "bound": bound, "met": met})
    return rows


def rows(result):
    """The lines of the table: title, metric, figure, factor to the unit, decimals, whether to show the minimum."""
    for cipher, title in CIPHER_NAMES.items():
        for direction, way in DIRECTION_NAMES.items():
            yield f"bulk {way}, {title}: wall, s/GiB", f"wall_{direction}_{cipher}", "p50", 1, 2, True
            yield "— gateway CPU, s/GiB", f"cpu_{direction}_{cipher}", "p50", 1, 2, True
    yield "login to first output, p50, ms", "login", "p50", 1e3, 0, True
    yield "login to first output, p99, ms", "login", "p99", 1e3, 0, False
    yield "— gateway CPU per login, ms", "login_cpu", "p50", 1e3, 1, True
    yield "logins/s, 8 in parallel", "rate", "p50", 1, 1, False
    yield "keystroke echo, p50, µs", "echo", "p50", 1e6, 0, True
    yield "keystroke echo, p99, µs", "echo", "p99", 1e6, 0, False
    counts = sorted(int(metric.removeprefix("pss_")) for metric in result["summary"] if metric.startswith("pss_"))
    for count in counts:
        yield f"PSS per idle session at {count}, KiB", f"pss_{count}", "p50", 1, 0, False
        yield "— what a session adds to the daemon, KiB", f"growth_{count}", "p50", 1, 0, False
        yield "— processes per session", f"processes_{count}", "p50", 1, 1, False
    for count in [0] + counts:
        yield f"PSS of the daemon at {count} sessions, KiB", f"daemon_{count}", "p50", 1, 0, False


def markdown(result):
    names = result["systems"]
    others = [name for name in names if name != "gatehouse"] if "gatehouse" in names else []
    header = ["", *names, *(f"÷ {name}" for name in others)]
    lines = [describe(result), "", line(header), line(["---"] + ["--:"] * (len(header) - 1))]
    for title, metric, figure, factor, decimals, with_minimum in rows(result):
        if metric not in result["summary"]:
            continue
        cells = []
        for name in names:
            median = value(result, metric, name, figure)
            text = "" if median is None else f"{median * factor:.{decimals}f}"
            if median is not None and with_minimum:
                text += f" ({value(result, metric, name, 'min') * factor:.{decimals}f})"
            cells.append(text)
        for name in others:
            ours, theirs = value(result, metric, "gatehouse", figure), value(result, metric, name, figure)
            comparable = ours is not None and theirs and theirs > 0
            cells.append(f"{ours / theirs:.2f}" if comparable else "")
        lines.append(line([title, *cells]))
    if result["targets"]:
        lines += ["", line(["aim", "ratio", "bound", ""]), line(["---", "--:", "--:", "---"])]
        for row in result["targets"]:
            bound = f"{'≤' if row['relation'] == '<=' else '≥'} {row['bound']} × {row['against']}"
            lines.append(line([row["what"], f"{row['ratio']:.2f}", bound, "met" if row["met"] else "**missed**"]))
    return "\n".join(lines)


def line(cells):
    return "| " + " | ".join(cells) + " |"


def describe(result):
    facts = result["facts"]
    size = facts["bulkBytes"] >> 20
    text = (f"{facts['cores']} cores, loopback, Linux {facts['kernel']}, {facts['openssh']}; bulk in pieces of {size} MiB. "
            "Median, minimum in brackets.")
    if facts["waited"] > 10:
        text += f" The machine was not idle: {facts['waited']} s were spent waiting for quiet moments."
    return text + (" **Debug build of Gatehouse.**" if facts["debugBuild"] else "")


def write_json(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


def replace_section(path, text):
    before, rest = path.read_text().split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
