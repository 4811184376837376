/* What every generated model shares besides stores: activations, norms, tables, the choice of a row. */

inlined double relu(double x) { return x > 0 ? x : 0; }

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

/* The same by halving, for bends anywhere: how many are at or below u. */
inlined i64 cell_among(double u, const double *bends, i64 count) {
  i64 low = 0;
  while (count > 0) {
    i64 half = count / 2;
    if (bends[low + half] <= u) {
      low += half + 1;
      count -= half + 1;
    } else
      count = half;
  }
  return low;
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

/* The same through few sums: `rows` is [sum][padded], padding has a bias below all. */
inlined i64 largest_of_sums(const double *sums, i64 count, const double *bias, const double *rows, i64 padded) {
  i64 there[MOST_SUMS], used = 0; /* a sum that is zero moves no logit, and most are */
  for (i64 k = 0; k < count; k++)
    if (sums[k] != 0) there[used++] = k;
  wide best = {-1e308, -1e308, -1e308, -1e308, -1e308, -1e308, -1e308, -1e308};
  wide_words chosen = {0}, now = {0, 1, 2, 3, 4, 5, 6, 7};
  for (i64 v = 0; v < padded; v += 8) {
    wide logit = *(const wide *)(bias + v);
    for (i64 i = 0; i < used; i++) logit += sums[there[i]] * *(const wide *)(rows + there[i] * padded + v);
    wide_words more = logit > best;
    best = (wide)((more & (wide_words)logit) | (~more & (wide_words)best));
    chosen = (more & now) | (~more & chosen);
    now += 8;
  }
  i64 out = chosen[0];
  double top = best[0];
  for (int i = 1; i < 8; i++)
    if (best[i] > top || (best[i] == top && chosen[i] < out)) top = best[i], out = chosen[i];
  return out;
}

/* A hash of many words, whose products do not wait for each other. */
inlined u64 mingled(const u64 *key, i64 words) {
  u64 out = 0;
  for (i64 i = 0; i < words; i++) out += (key[i] ^ key[i] >> 32) * (0x9E3779B97F4A7C15ull * (u64)(2 * i + 1));
  out = (out ^ out >> 29) * 0xBF58476D1CE4E5B9ull;
  return out ^ out >> 32;
}

/* The same again, for sums that were seen before from what was chosen then: the bits of the sums decide the choice. */
inlined i64 chosen_for(u64 *memo, const double *sums, i64 count, const double *bias, const double *rows, i64 padded) {
  u64 words[MOST_SUMS];
  memcpy(words, sums, (size)count * 8);
  u64 first = mingled(words, count), at = first;
  u64 *entry;
  for (;; at++) { /* up to eight entries from where the hash points */
    entry = memo + (at & (MEMO_ROWS - 1)) * (u64)(count + 1);
    if (likely(entry[count] && same(entry, words, count))) return (i64)entry[count] - 1;
    if (!entry[count] || at == first + 7) break;
  }
  i64 out = largest_of_sums(sums, count, bias, rows, padded);
  memcpy(entry, words, (size)count * 8);
  entry[count] = (u64)out + 1;
  return out;
}
