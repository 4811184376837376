/* What every generated model shares besides stores: activations, norms, tables, the choice of a row. */

inlined double relu(double x) { return x > 0 ? x : 0; }

inlined double negative(double x) { return x < 0 ? x : 0; }

inlined double gelu(double x) {
  if (x > 8.5) return x;
  if (x < -8.5) return 0;
  return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

inlined void normed(const double *x, double *y, int count, double epsilon) {
  double mean = 0, square = 0;
  for (int i = 0; i < count; i++) mean += x[i];
  mean /= count;
  for (int i = 0; i < count; i++) square += (x[i] - mean) * (x[i] - mean);
  double scale = 1 / sqrt(square / count + epsilon);
  for (int i = 0; i < count; i++) y[i] = (x[i] - mean) * scale;
}

/* Which cell of a table: 0 below the first of equally spaced bends, `last` above the last. */
inlined i64 cell_of(double u, double first, double per_step, double last) {
  double at = (u - first) * per_step + 1;
  return !(at > 0) ? 0 : at > last ? (i64)last : (i64)at;
}

/* The same by halving, for bends anywhere: how many are at or below u. Without branches, since none is foretold. */
inlined i64 cell_among(double u, const double *bends, i64 count) {
  const double *from = bends;
  while (count > 1) {
    i64 half = count / 2;
    from += -(i64)(from[half - 1] <= u) & half;
    count -= half;
  }
  return from - bends + (count && *from <= u);
}

/* The row with the largest logit, the first of them: sums by the features that are not zero. */
inlined i64 largest(const double *y, const double *bias, const u32 *features, const u32 *starts, i64 used,
                    const u32 *rows, const double *weights, i64 count, double *logits) {
  memcpy(logits, bias, (size)count * 8);
  for (i64 i = 0; i < used; i++) {
    double value = y[features[i]];
    if (value == 0) continue;
    for (u32 k = starts[i]; k < starts[i + 1]; k++) logits[rows[k]] += value * weights[k];
  }
  i64 best = 0;
  for (i64 v = 1; v < count; v++)
    if (logits[v] > logits[best]) best = v;
  return best;
}

/* Logits that depend on few sums are looked through as a tree, which logits.py makes. A leaf has eight rows; a node above
 * has eight parts, each with the largest bias in it and the greatest and the least weight of every sum. What a part's
 * logits cannot exceed is added up as logits are, term by term in their order: each of its terms is at least the row's,
 * and rounding keeps that so. */
typedef struct {
  const double *bias;    /* [node][8] */
  const void *weights;   /* leaves [node][sum][8], then other nodes [node][sum][greatest, least][8] */
  const i64 *starts;     /* level -> its first node; leaves are level 0, the last level has one node */
  i64 before, levels, sums; /* places before the first row */
  i64 whole;                /* whether weights are 16-bit numbers */
} logit_tree;

/* A search through it: the first of the largest logits so far, and the largest of all others. */
typedef struct {
  logit_tree in;
  i64 used, at[2][MOST_SUMS], row; /* where weights stand in a leaf, and in another node */
  double sums[MOST_SUMS], best, second; /* a sum that is zero moves no logit, and most are */
} search;

inlined wide eight_weights(const logit_tree *in, i64 at) {
  return in->whole ? whole((const short *)in->weights + at) : *(const wide *)((const double *)in->weights + at);
}

static void look(search *s, i64 level, i64 node) {
  const i64 place = s->in.starts[level] + node, above = level > 0;
  const i64 start = 8 * s->in.sums * (above ? 2 * place - s->in.starts[1] : place);
  wide logit = *(const wide *)(s->in.bias + 8 * place);
  for (i64 i = 0; i < s->used; i++) logit += s->sums[i] * eight_weights(&s->in, start + s->at[above][i]);
  for (int tried = 0; tried < 8; tried++) {
    int most = 0;
    for (int i = 1; i < 8; i++)
      if (logit[i] > logit[most]) most = i;
    i64 part = 8 * node + most;
    int first = logit[most] == s->best && part << 3 * level < s->row;
    if (!(logit[most] > s->second || first)) return;
    if (above)
      look(s, level - 1, part);
    else if (logit[most] > s->best || first) {
      s->second = s->best;
      s->best = logit[most];
      s->row = part;
    } else
      s->second = logit[most];
    logit[most] = -__builtin_inf();
  }
}

/* The first row with the largest logit; `ahead` is by how much it leads. */
apart i64 largest_of_sums(const double *sums, const logit_tree *in, double *ahead) {
  search s;
  s.in = *in;
  s.row = in->before;
  s.used = 0;
  s.best = s.second = -__builtin_inf();
  for (i64 k = 0; k < in->sums; k++) {
    if (sums[k] == 0) continue;
    s.sums[s.used] = sums[k];
    s.at[0][s.used] = 8 * k;
    s.at[1][s.used++] = 8 * (2 * k + (sums[k] < 0));
  }
  look(&s, in->levels - 1, 0);
  *ahead = s.best - s.second;
  return s.row - in->before;
}

/* A hash of many words, whose products do not wait for each other. */
inlined u64 mingled(const u64 *key, i64 words) {
  u64 out = 0;
  for (i64 i = 0; i < words; i++) out += (key[i] ^ key[i] >> 32) * (0x9E3779B97F4A7C15ull * (u64)(2 * i + 1));
  out = (out ^ out >> 29) * 0xBF58476D1CE4E5B9ull;
  return out ^ out >> 32;
}

/* What is chosen for whole sums, and how far all others are behind but for what rounding may move: not at all. */
apart choice chosen_among(const double *sums, const logit_tree *in, const double *spans) {
  choice out;
  out.row = (u32)largest_of_sums(sums, in, &out.ahead);
  double sizes = spans[in->sums];
  for (i64 k = 0; k < in->sums; k++) sizes += spans[k] * (sums[k] < 0 ? -sums[k] : sums[k]);
  out.ahead -= sizes * 0x1p-40;
  return out;
}

/* The same again, by what was chosen before for the nearest whole numbers: that holds as long as what the sums are off,
 * times what each may move between two logits (`spans`), does not add up to the lead it had. Behind the sums stand
 * zeros; behind the spans the largest size of a logit without sums. */
inlined i64 chosen_for(choice *memo, const wide *sums, i64 count, const logit_tree *in, const double *spans) {
  const double whole = 0x1.8p52;
  wide near[MOST_SUMS / 8], off = {};
  wide_words far = {};
  choice made = {0};
  for (i64 k = 0; k < count; k += 8) {
    wide sum = sums[k / 8], close = (sum + whole) - whole;
    wide apart_by = sum - close;
    near[k / 8] = close;
    off += (wide)((wide_words)apart_by & 0x7fffffffffffffffll) * *(const wide *)(spans + k);
    far |= (close > 32767) | (close < -32767);
    whole_words few = __builtin_convertvector(close, whole_words);
    memcpy(made.sums + k / 4, &few, 16);
  }
  double moved = 0, ahead;
  for (int i = 0; i < 8; i++) moved += off[i];
  if (likely(!__builtin_reduce_or(far))) {
    u64 first = mingled(made.sums, MOST_SUMS / 4), at = first;
    choice *entry;
    for (;; at++) { /* up to eight entries from where the hash points */
      entry = memo + (at & (MEMO_ROWS - 1));
      if (!entry->taken || same(entry->sums, made.sums, MOST_SUMS / 4) || at == first + 7) break;
    }
    if (!likely(entry->taken && same(entry->sums, made.sums, MOST_SUMS / 4))) {
      choice fresh = chosen_among((const double *)near, in, spans);
      memcpy(fresh.sums, made.sums, sizeof(made.sums));
      fresh.taken = 1;
      *entry = fresh;
    }
    if (likely(moved < entry->ahead || moved == 0)) return entry->row;
  }
  return largest_of_sums((const double *)sums, in, &ahead);
}
