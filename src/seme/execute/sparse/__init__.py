"""The fast CPU decoder: a causal model's weights become straight-line C, its heads become stores of live keys.

Takes an Artifact whose output is the next token, and sees nothing else of it; gives streams that choose the same tokens
as `execute.stream.DenseStream`. It may import the model and the core.

    fold      weights -> affine forms; (+f, -f) pairs become one number and norms that do nothing go away
    ranges    how large every feature gets
    heads     which keys compete, which can be forgotten
    neurons   which neurons can be on, and which are tables of one direction
    sums      what directions have in common, summed once
    logits    the unembedding as few sums, and a tree of bounds by which the largest logit is found
    plan      all of it, and the report
    generate  plan -> C text and tables, with `ctext`, `versions` (where features stand), `generate_heads`,
              `generate_neurons` and `generate_replay`; runtime.c (stores), heads.c, parts.c, replay.c and life.c are
              what all models share
    build     C text -> loaded library, cached
    keep      what planning made, read back when the same weights come again
    stream    `Sparse` and its streams

Why it is sound for any weights. Real numbers first:

1. *Pairs.* If everything that is added to the stream is (+f, -f) on two neighbours, so is the stream, and its mean is
   zero. With the largest size of any feature bounded and its square below 2^-60 epsilon, a norm is its gain over the
   root of epsilon, plus its bias. Otherwise norms are computed.
2. *Heads.* A softmax does not change when all scores move alike. Constant parts of queries and keys make the score of
   key j (sum of q_r k_jr) + a_j + slope * t_j, the first token's a form of the query. Keys of the same bits in k
   differ by a - a' + slope * (t - t') for every query. Where that is at least the lead the one behind is forgotten;
   where it is nothing, whatever t, they are added up; else both are kept. A key whose a is so low that no query within
   its bounds brings it near the first token is not kept.
3. *Look-ups.* A query whose components are exactly +-asks, against keys that are exactly +-gives, scores the sum of
   their products with the key of its signs, and at least twice the smallest product less with any other. What a query
   sees is taken from a hash only when the best score found leads the bound on all other coded keys, every key kept
   apart, and the first token by the lead; sizes are compared bit by bit, for each key and query, as they come. In
   every other case the softmax is taken over all keys kept. A query whose form is a positive multiple of the key's is
   that multiple of its own position's key, so one code serves both.
4. *Neurons.* One is left out when its bound is at most zero, or nothing reads what it writes. Many on one direction are
   summed up beforehand between bends: the same piecewise linear function. One that takes a feature back leaves the
   lesser of it and zero. A sum that several read is taken once.
5. *Replays.* What a block's neurons write is a function of what they read and add to. Where that is what it
   was for an earlier token, what they wrote then is taken; 0 and -0 count as one. In a chain of such blocks what was
   compared before, or follows from it, is not compared again. With `replay=False` all neurons are computed.
6. *The choice.* It is a function of the sums that the logits are made of. One made before for the whole numbers next to
   them holds while what the sums are off, each times the most that it moves between two logits, is less than the lead
   the choice had. One made anew passes over rows of which none can be second best: their logits are bounded by the
   largest bias among them and each sum's greatest or least weight, added up in the order in which logits are.

Rounding: all sums are taken in float64, also for float32 weights, and in another order than PyTorch takes them. A
weight of exp(-lead) is zero in the model's own type, so leaving it out changes nothing there. Tokens can therefore
differ only where two logits are nearer than rounding moves them.

What holds only for the begin token (row 0) first and nowhere else, and up to the length the positions are made for, is
refused beyond: see `InputError` in `stream`.
"""

from seme.execute.sparse.stream import Sparse, SparseStream

__all__ = ["Sparse", "SparseStream"]
