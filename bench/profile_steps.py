"""What training steps on a processor spend their time on, by kind of operation.

    PYTHONPATH=worker-python python bench/profile_steps.py [--size small] [--steps 2]

Batches of 64 with the token counts of cqa, step-by-step, fp32, dropout on; weights and tokens are drawn. The products
alone, at the rate that a large one reaches here, are what no other way of training could do without.
"""

from __future__ import annotations

import argparse
from collections import Counter

import torch
from gpu.drawn import SHAPES, draw_model, draw_split
from gpu.measure import Way, measure
from torch.profiler import ProfilerActivity, profile

# The first that a name contains.
KINDS = {
    "products": ("mm", "linear", "matmul"),
    "attention": ("attention", "softmax"),
    "dropout": ("dropout", "bernoulli"),
    "loss": ("nll", "cross_entropy", "logsumexp"),
    "optimizer": ("adam", "norm_", "_foreach"),
    "element by element": ("mul", "add", "sub", "div", "gelu", "tanh", "pow", "mean", "sum", "rsqrt", "where", "fill"),
    "moving": ("copy", "index", "gather", "scatter", "cat", "embedding", "zero", "clone", "empty", "pad"),
}


def kind_of(operation: str) -> str:
    return next((kind for kind, words in KINDS.items() if any(word in operation for word in words)), "other")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SHAPES, default="small")
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args()
    model, split = draw_model(options.size, torch.device("cpu")), draw_split(SHAPES[options.size][-1])
    way = Way(name="dss", precision="fp32")
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        print(measure(model, options.size, way, split=split, warm_up=0, steps=options.steps))
    seconds: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    for event in profiled.key_averages():
        seconds[kind_of(event.key)] += event.self_cpu_time_total / 1e6
        operations[event.key] += event.self_cpu_time_total / 1e6
    for kind, spent in seconds.most_common():
        print(f"{kind:20} {spent / seconds.total():6.1%}  {spent:7.2f} s")
    print("\n" + "\n".join(f"{spent:7.2f} s  {name}" for name, spent in operations.most_common(12)))


if __name__ == "__main__":
    main()
