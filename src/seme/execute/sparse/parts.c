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

/* The same through few sums: `rows` is [sum][padded], padding has a bias below all. `ahead` is by how much it leads. */
inlined i64 largest_of_sums(const double *sums, i64 count, const double *bias, const double *rows, i64 padded,
                            double *ahead) {
  i64 there[MOST_SUMS], used = 0; /* a sum that is zero moves no logit, and most are */
  for (i64 k = 0; k < count; k++)
    if (sums[k] != 0) there[used++] = k;
  const wide lowest = {-1e308, -1e308, -1e308, -1e308, -1e308, -1e308, -1e308, -1e308};
  wide best = lowest, second = lowest;
  wide_words chosen = {0}, now = {0, 1, 2, 3, 4, 5, 6, 7};
  for (i64 v = 0; v < padded; v += 8) {
    wide logit = *(const wide *)(bias + v);
    for (i64 i = 0; i < used; i++) logit += sums[there[i]] * *(const wide *)(rows + there[i] * padded + v);
    wide_words more = logit > best;
    wide lower = (wide)((more & (wide_words)best) | (~more & (wide_words)logit));
    best = (wide)((more & (wide_words)logit) | (~more & (wide_words)best));
    chosen = (more & now) | (~more & chosen);
    more = lower > second;
    second = (wide)((more & (wide_words)lower) | (~more & (wide_words)second));
    now += 8;
  }
  i64 out = 0;
  for (int i = 1; i < 8; i++)
    if (best[i] > best[out] || (best[i] == best[out] && chosen[i] < chosen[out])) out = i;
  double next = second[out];
  for (int i = 0; i < 8; i++)
    if (i != out && best[i] > next) next = best[i];
  *ahead = best[out] - next;
  return chosen[out];
}

/* A hash of many words, whose products do not wait for each other. */
inlined u64 mingled(const u64 *key, i64 words) {
  u64 out = 0;
  for (i64 i = 0; i < words; i++) out += (key[i] ^ key[i] >> 32) * (0x9E3779B97F4A7C15ull * (u64)(2 * i + 1));
  out = (out ^ out >> 29) * 0xBF58476D1CE4E5B9ull;
  return out ^ out >> 32;
}

/* What is chosen for whole sums, and how far all others are behind but for what rounding may move: not at all. */
apart choice chosen_among(const double *sums, i64 count, const double *bias, const double *rows, i64 padded,
                          const double *spans) {
  choice out;
  out.row = largest_of_sums(sums, count, bias, rows, padded, &out.ahead);
  double sizes = spans[count];
  for (i64 k = 0; k < count; k++) sizes += spans[k] * (sums[k] < 0 ? -sums[k] : sums[k]);
  out.ahead -= sizes * 0x1p-40;
  return out;
}

/* The same again, by what was chosen before for the nearest whole numbers: that holds as long as what the sums are off,
 * times what each may move between two logits (`spans`), does not add up to the lead it had. Behind the sums stand
 * zeros; behind the spans the largest size of a logit without sums. */
inlined i64 chosen_for(choice *memo, const wide *sums, i64 count, const double *bias, const double *rows, i64 padded,
                       const double *spans) {
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
      choice fresh = chosen_among((const double *)near, count, bias, rows, padded, spans);
      memcpy(fresh.sums, made.sums, sizeof(made.sums));
      fresh.taken = 1;
      *entry = fresh;
    }
    if (likely(moved < entry->ahead || moved == 0)) return entry->row;
  }
  return largest_of_sums((const double *)sums, count, bias, rows, padded, &ahead);
}
