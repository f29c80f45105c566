"""The control plane's statistics by scipy and numpy: prints what is in scipy-reference.json.

To write that anew: `python scipy_reference.py >scipy-reference.json`, then `npm run format`.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy
from scipy import special, stats

Values = npt.NDArray[np.float64]

# Differences of accuracies over seeds, in [0, 1], as sweeps have them.
SAMPLES = {
    "two": [0.012, 0.03],
    "three": [0.01, 0.03, -0.005],
    "five": [0.021, 0.034, -0.004, 0.018, 0.027],
    "ten": [0.021, 0.034, -0.004, 0.018, 0.027, 0.001, 0.009, -0.013, 0.04, 0.015],
    "leaning": [0.0, 0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 0.9, 2.5],
}
RESAMPLES = 100_000


def reference() -> dict[str, Any]:
    """What the file holds; the same every time, but for rounding."""
    return {
        "scipy": scipy.__version__,
        "normalCdf": [[z, stats.norm.cdf(z)] for z in (-9, -5.5, -2.1, -0.3, 0, 0.7, 1.5, 3.3)],
        "normalQuantile": [[p, stats.norm.ppf(p)] for p in (1e-9, 0.001, 0.025, 0.4, 0.5, 0.975, 0.9999)],
        "logGamma": [[x, special.gammaln(x)] for x in (0.1, 0.5, 1.5, 7, 123.25, 5_000)],
        "regularizedBeta": [
            [a, b, x, special.betainc(a, b, x)]
            for a, b, x in [
                (0.5, 0.5, 0.1),
                (2, 3, 0.7),
                (50, 0.5, 0.99),
                (300, 400, 0.4),
                (1, 9_000, 1e-4),
            ]
        ],
        "binomialCdf": [[k, n, p, stats.binom.cdf(k, n, p)] for k, n, p in [(3, 13, 0.5), (40, 100, 0.5), (0, 9, 0.1)]],
        # Down to 1e-12, where one minus a CDF would have no digit left.
        "tTwoSided": [
            [t, df, 2 * stats.t.sf(t, df)] for t, df in product((0.01, 0.8, 2.776, 12.7, 150.0), (1, 2, 4, 9, 120))
        ],
        "tCritical": [
            [alpha, df, stats.t.isf(alpha / 2, df)] for alpha, df in product((0.1, 0.05, 0.00125), (1, 4, 30))
        ],
        "samples": {name: _of_sample(np.array(values)) for name, values in SAMPLES.items()},
        "mcNemar": [
            [first, second, stats.binomtest(first, first + second, 0.5).pvalue]
            for first, second in [(3, 10), (0, 6), (41, 70), (600, 640)]
        ],
        "rowFlips": [[rows, _flips(np.array(rows, dtype=float))] for rows in ROWS],
        "poisson": [[mean, [stats.poisson.pmf(k, mean) for k in range(2 * mean + 6)]] for mean in (3, 40)],
        "twoLevel": _two_level(),
    }


ROWS = [[1, 1, -1, 2, 0, 3, 1, -2, 1, 1], [5, -5, 1, 0, 0, 2], [1] * 12]


def _of_sample(values: Values) -> dict[str, Any]:
    n = len(values)
    mean, sd = values.mean(), values.std(ddof=1)
    test = stats.ttest_1samp(values, 0)
    low, high = test.confidence_interval(0.95)
    half = stats.t.isf(0.025, n - 1) * sd * np.sqrt(1 / n + 1 / 4)
    return {
        "values": values.tolist(),
        "mean": mean,
        "sd": sd,
        "p": test.pvalue,
        "interval": [low, high],
        # For the mean of four values to come.
        "prediction": [mean - half, mean + half],
        "signFlip": _flips(values),
        "effectSize": None if n < 3 else mean / sd * _hedges(n - 1),
        "valuesNeeded": _values_needed(sd, n, 0.01),
        "bootstrap": None if n < 10 else _bca(values),
    }


def _hedges(df: int) -> float:
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def _values_needed(sd: float, n: int, half_width: float) -> int:
    count = n
    while stats.t.isf(0.025, count - 1) * sd / np.sqrt(count) > half_width:
        count += 1
    return count


def _flips(values: Values) -> float:
    """All choices of signs, one after the other."""
    found = stats.permutation_test(
        (values,),
        lambda each, axis: each.sum(axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    return float(found.pvalue)


def _bca(values: Values) -> list[float]:
    found = stats.bootstrap(
        (values,),
        np.mean,
        method="BCa",
        n_resamples=RESAMPLES,
        batch=10_000,
        rng=np.random.default_rng(1),
    )
    return [float(found.confidence_interval.low), float(found.confidence_interval.high)]


def _two_level() -> dict[str, Any]:
    """Seeds drawn again, their deviations widened, and rows: plainly, every row by itself and no Poisson numbers."""
    random = np.random.default_rng(5)
    seeds, rows = 12, 200
    hard = random.normal(size=rows)
    first = (hard + random.normal(size=(seeds, rows)) < 0.2).astype(int)
    second = (hard + random.normal(size=(seeds, rows)) < 0.45).astype(int)
    difference = second - first
    by_seed, by_row = difference.mean(axis=1), difference.mean(axis=0)
    wider = np.sqrt(seeds / (seeds - 1)) * stats.t.isf(0.025, seeds - 1) / stats.norm.isf(0.025)
    means = [
        by_row[random.integers(rows, size=rows)].mean()
        + wider * (by_seed[random.integers(seeds, size=seeds)].mean() - by_seed.mean())
        for _ in range(20_000)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return {"first": _bits(first), "second": _bits(second), "interval": [low, high]}


def _bits(rows: npt.NDArray[np.int64]) -> list[str]:
    return ["".join(map(str, row)) for row in rows]


if __name__ == "__main__":
    print(json.dumps(reference(), default=float))
