"""The verdict in three sentences: how far, who can tell, and is the model needed."""

from collections.abc import Sequence
from dataclasses import replace

from chanvae.evaluate.report import Report
from chanvae.evaluate.results import SetResult, StatisticResult

NAMED = 2
"""Figures that are off and named in the first sentence, at most."""


def conclude(report: Report) -> Report:
    """The report with its sentences: the worst first, and never one score."""
    return replace(
        report,
        sentences=tuple(
            _sentence(s) for s in (_figures(report), _classifiers(report), _use(report))
        ),
    )


def worst_first(
    results: Sequence[StatisticResult | SetResult],
) -> list[StatisticResult | SetResult]:
    """Results by how many times their floor they are apart; constant ones that differ lead."""
    return sorted(results, key=times_floor, reverse=True)


def times_floor(result: StatisticResult | SetResult) -> float:
    """Distance over the upper end of the floor; infinite where a constant differs."""
    if isinstance(result, SetResult):
        return result.distance.value / max(result.floor.high, 1e-12)
    if result.distance is None or result.floor is None:
        return float("inf") if result.verdict == "off" else 0.0
    pick = (lambda d: d.ks) if result.heavy_tails else (lambda d: d.w1_sigma)
    return pick(result.distance).value / max(pick(result.floor).high, 1e-12)


def _figures(report: Report) -> str:
    results: list[StatisticResult | SetResult] = [*report.statistics, *report.figures]
    count = {v: sum(r.verdict == v for r in results) for v in ("within the floor", "close", "off")}
    text = (
        f"of {len(results)} figures {count['within the floor']} are within the floor, "
        f"{count['close']} close and {count['off']} off"
    )
    off = worst_first([r for r in results if r.verdict == "off"])
    return f"{text}: {'; '.join(r.sentence for r in off[:NAMED])}" if off else text


def _classifiers(report: Report) -> str:
    told = [
        f"{c.test.auc:.2f} on {c.name} ({c.baseline_name} {c.baseline.auc:.2f})"
        for c in report.classifiers
    ]
    counts = [f"{'more than ' * c.at_least}{c.samples:,}" for c in report.classifiers]
    return (
        f"a classifier tells generated from measured with an AUC of {' and '.join(told)}; to tell "
        f"two sets apart it needs {' and '.join(counts)} realisations of each"
    )


def _use(report: Report) -> str:
    made = [b for b in report.baselines if not b.copies and b.n]
    good = [b.label for b in made if b.as_good]
    if not report.baselines:
        parts = [
            "without training data nothing is known of baselines and copies (add --training FILE)"
        ]
    elif good:
        verb = "does" if len(good) == 1 else "do"
        parts = [f"{' and '.join(good)} {verb} as well, so the model is not needed"]
    else:
        parts = ["none of the simpler ways to make new channels does as well"]
    if report.memory is not None:
        parts.append(report.memory.sentence.partition(":")[0])
    if report.carry is not None:
        parts.append(report.carry.sentence)
    return "; ".join(parts)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
