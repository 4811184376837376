"""`seme linearity`: is a network effectively linear in its weights while it trains?"""

from pathlib import Path

import click


@click.command()
@click.option("--task", default="product", help="product, product-bits, product-tokens, modular, sine or text.")
@click.option("--model", default="mlp", help="mlp or transformer.")
@click.option("--width", default="64,256,1024", help="Hidden units (or d_model), comma-separated.")
@click.option("--activation", default="relu,gelu,exp,kmax:8", help="relu, gelu, erf, exp, kmax:K, ...")
@click.option("--parametrization", default="ntk", help="standard, ntk or mean-field.")
@click.option("--seeds", default=5, help="Networks per setting.")
@click.option("--depth", default=1, help="Hidden layers or blocks.")
@click.option("--alpha", default=1.0, help="Factor on the output.")
@click.option("--optimiser", default="gd", help="gd, momentum, adam or adamw.")
@click.option("--rate", type=float, help="Learning rate; chosen from the kernel when left out.")
@click.option("--steps", default=1000, help="Most training steps.")
@click.option("--stop", default=0.01, help="Share of the first loss at which training ends.")
@click.option("--weight-decay", default="0", help="Comma-separated.")
@click.option("--center/--no-center", default=True, help="Subtract the function at the start.")
@click.option("--size", type=int, help="Bits, values, modulus or characters of the task.")
@click.option("--share", type=float, help="Share of all pairs that is trained on.")
@click.option("--head-width", type=int, help="Width of a transformer's heads; four heads when left out.")
@click.option("--embedding", help="Of a transformer's tokens: random, or ordered by the numbers they stand for.")
@click.option("--per-doubling", type=int, help="Checkpoints each time the number of steps doubles.")
@click.option("--runner", default="local", help="local or ray.")
@click.option("--workers", type=int, help="Local processes; one per core when left out.")
@click.option("--store", default=Path("seme.db"), type=Path, help="SQLite file of finished runs.")
@click.option("--data", type=Path, help="Text for the task `text`, or for two checkpoints.")
@click.option("--checkpoint-before", type=Path, help="Hugging Face folder before training.")
@click.option("--checkpoint-after", type=Path, help="Hugging Face folder after training.")
@click.option("--html", type=Path, help="Write a self-contained page here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(**options) -> None:
    """Trains networks, or reads two checkpoints, and says whether they stayed linear in their weights."""
    from seme.cli.studying import linearity

    linearity(**options)
