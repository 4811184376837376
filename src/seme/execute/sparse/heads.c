/* How heads ask their stores: where one key leads all others by LEAD its values, otherwise the softmax over all. */

/* One more key in a softmax that is taken as keys come. */
inlined void weigh(double score, double n, const double *value, int values, double *top, double *total, double *mix) {
  if (score <= *top - NOTHING) return;
  if (score > *top) {
    double shrink = score >= *top + NOTHING ? 0 : exp(*top - score);
    *total *= shrink;
    for (int i = 0; i < values; i++) mix[i] *= shrink;
    *top = score;
  }
  double weight = score == *top ? 1 : exp(score - *top);
  *total += n * weight;
  for (int i = 0; i < values; i++) mix[i] += weight * value[i];
}

inlined double odd_score(const double *row, const double *query, double scale, int count, double slope) {
  double out = 0;
  for (int i = 0; i < count; i++) out += query[i] * row[i];
  return scale * out + row[count] + slope * row[count + 1];
}

/* The most that a row kept apart scores with a query of these sizes. */
apart double peak_of(const store *odd, const double *asks, int keeps, int count, int values, double slope) {
  double out = -1e308;
  for (i64 r = 0; r < odd->n; r++) {
    const double *row = odd->rows + r * (count + TAIL(keeps) + values);
    double score = row[count] + slope * row[count + 1];
    for (int i = 0; i < count; i++) score += asks[i] * (row[i] < 0 ? -row[i] : row[i]);
    if (keeps == SUM) score += log(row[count + 2]);
    if (score > out) out = score;
  }
  return out;
}

/* The softmax over every row there is, as the model defines it. The query is `scale` times what is given. */
inlined const double *all_of(const keys *k, int keeps, int count, int values, double slope, const double *query,
                             double scale, double begin_score, const double *begin, double *mix) {
  double top = -1e308, total = 0;
  for (int i = 0; i < values; i++) mix[i] = 0;
  if (begin) weigh(begin_score, 1.0, begin, values, &top, &total, mix);
  for (i64 r = 0; r < k->coded.n; r++) {
    const double *row = k->coded.rows + r * (1 + TAIL(keeps) + values);
    double score = 0;
    u64 code = bits_of(row[0]);
    for (int i = 0; i < count; i++) score += query[i] * (code >> i & 1 ? -k->gives[i] : k->gives[i]);
    score = scale * score + row[1] + slope * row[2];
    weigh(score, keeps == SUM ? row[3] : 1, row + 1 + TAIL(keeps), values, &top, &total, mix);
  }
  for (i64 r = 0; r < k->odd.n; r++) {
    const double *row = k->odd.rows + r * (count + TAIL(keeps) + values);
    double score = odd_score(row, query, scale, count, slope);
    weigh(score, keeps == SUM ? row[count + 2] : 1, row + count + TAIL(keeps), values, &top, &total, mix);
  }
  for (int i = 0; i < values; i++) mix[i] /= total;
  return mix;
}

typedef const double *every_key(const keys *, const here *, double, const double *, double *);

/* What queries of sizes `asks` score with keys of sizes `gives`. */
apart void weighed(const keys *k, queries *q, int count, int joint, double scale) {
  if (joint) for (int i = 0; i < count; i++) q->asks[i] = scale * k->gives[i];
  q->gap = 1e308;
  q->full = 0;
  for (int i = 0; i < count; i++) {
    double part = q->asks[i] * k->gives[i];
    q->full += part;
    if (2 * part < q->gap) q->gap = 2 * part;
  }
}

/* Finds what a query sees: where one key leads all others by LEAD its values, otherwise the mean. `fits` says whether
 * it is coded, `row` which row has its code. A `joint` query is `scale` times its own position's key, which is given. */
inlined const double *recall(const keys *k, queries *q, int codes, int fits, const double *row, int keeps, int count,
                             int values, double slope, components *of, const here *now, int joint, double scale,
                             double begin_score, const double *begin, double *mix, every_key *every) {
  if (DIRECT(keeps, count) && codes && count == 0 && likely(!k->odd.n && begin)) { /* one row, and the first token */
    double score = row[1] + slope * row[2], ahead = score - begin_score;
    if (likely(ahead >= LEAD || ahead <= -LEAD)) return ahead > 0 ? row + 1 + TAIL(keeps) : begin;
  }
  if (keeps == ALL || k->odd.n > 64) return every(k, now, begin_score, begin, mix);
  if (codes && !likely(fits) && k->coded.n) return every(k, now, begin_score, begin, mix);
  if (codes && fits && q->gap == 0 && (count == 0 || k->failures < 0)) weighed(k, q, count, joint, scale);
  double top = -1e308, rest = -1e308;
  const double *best = 0;
  if (begin) top = begin_score, best = begin;
  if (codes && k->coded.n) {
    int others = DIRECT(keeps, count) ? count > 0 : k->coded.n > (row ? 1 : 0);
    if (others) rest = q->full - q->gap + k->peak;
    if (keeps == SUM && others) rest += log(k->most);
    if (row) {
      if (keeps == SUM && row[3] != 1.0) return every(k, now, begin_score, begin, mix);
      double score = q->full + row[1] + slope * row[2];
      if (score > top) {
        if (top > rest) rest = top;
        top = score;
        best = row + 1 + TAIL(keeps);
      } else if (score > rest)
        rest = score;
    }
  }
  if (codes && fits && k->odd.n) {
    if (q->odd_seen != k->odd_changes) {
      q->odd_peak = peak_of(&k->odd, q->asks, keeps, count, values, slope);
      q->odd_seen = k->odd_changes;
    }
    if (top - q->odd_peak >= LEAD) return likely(top - rest >= LEAD) ? best : every(k, now, begin_score, begin, mix);
  }
  wide given[MOST_COMPONENTS / 8];
  const double *query = (const double *)given;
  if (count && k->odd.n) of(now, given);
  for (i64 r = 0; r < k->odd.n; r++) {
    const double *odd = k->odd.rows + r * (count + TAIL(keeps) + values);
    double score = odd_score(odd, query, scale, count, slope);
    if (keeps == SUM && odd[count + 2] != 1.0) return every(k, now, begin_score, begin, mix);
    if (score > top) {
      if (top > rest) rest = top;
      top = score;
      best = odd + count + TAIL(keeps);
    } else if (score > rest)
      rest = score;
  }
  return likely(top - rest >= LEAD) ? best : every(k, now, begin_score, begin, mix);
}
