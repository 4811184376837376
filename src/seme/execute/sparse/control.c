/* What decides in a block, remembered: which groups of neurons can be on, and what neurons of controls alone write.
 *
 * Places of the stream that are asked about have bounds, `low` and `high`, that every token so far kept; controls are
 * also held to be 0 or 1 as long as they were (`exact`). A token that does not keep them widens them first, and then
 * nothing remembered is of this generation any more.
 */

/* The next bound outwards: few are tried, so few times is everything forgotten; what is beyond 16 is a number. */
inlined double outwards(double size) {
  double out = 1;
  while (out < size && out < 1e18) out *= out < 16 ? 4 : 256;
  return out < size ? 1e308 : out;
}

/* Places that are asked about: where each eight of them begins, and which of these are. */
typedef struct {
  int eights;
  const u32 *from;
  const wide_words *masks;
} asked;

/* Widens bounds until a token keeps them. */
apart void widen(state *s, const double *x, const asked *of) {
  for (int i = 0; i < 8 * of->eights; i++) {
    u32 at = of->from[i / 8] + i % 8;
    if (!of->masks[i / 8][i % 8]) continue;
    if (!(x[at] <= s->high[at])) s->high[at] = x[at] > 0 ? outwards(x[at]) : x[at] <= 0 ? 0 : 1e308;
    if (!(x[at] >= s->low[at])) s->low[at] = x[at] < 0 ? -outwards(-x[at]) : x[at] >= 0 ? 0 : -1e308;
  }
  s->generation++;
}

/* Holds what a block asks about against its bounds. */
inlined void held(state *s, const double *x, const asked *of) {
  wide_words off = {};
  for (int w = 0; w < of->eights; w++) {
    u32 at = of->from[w];
    wide v = *(const wide *)(x + at);
    off |= ~((v >= *(const wide *)(s->low + at)) & (v <= *(const wide *)(s->high + at))) & of->masks[w];
  }
  if (unlikely(__builtin_reduce_or(off))) widen(s, x, of);
}

/* Controls that are neither 0 nor 1 are none from now on. */
apart void freed(state *s, const double *x, const asked *of) {
  for (int i = 0; i < 8 * of->eights; i++) {
    u32 at = of->from[i / 8] + i % 8;
    if (of->masks[i / 8][i % 8] && x[at] != 0 && x[at] != 1) s->exact[at] = 0;
  }
  s->generation++;
}

/* Which controls are 1, of those that were 0 or 1 so far: at most eight eights. */
inlined u64 code_of(state *s, const double *x, const asked *of) {
  for (;;) {
    u64 out = 0;
    wide_words odd = {};
    for (int w = 0; w < of->eights; w++) {
      wide v = *(const wide *)(x + of->from[w]);
      wide_words exact = *(const wide_words *)(s->exact + of->from[w]) & of->masks[w], one = v == 1.0;
      odd |= ~one & (v != 0.0) & exact;
      out = out << 8 | bits_in(one & exact);
    }
    if (likely(!__builtin_reduce_or(odd))) return out;
    freed(s, x, of);
  }
}

/* Which groups can be on: a bit each. Places below 0 in `places` are controls, -1 - place. */
apart u64 possible(const state *s, const double *x, const u32 *starts, const int *places, const double *weights,
                   const double *offsets, const double *slacks, const u32 *groups, i64 neurons) {
  u64 on = 0;
  for (i64 n = 0; n < neurons; n++) {
    double most = offsets[n], sizes = most < 0 ? -most : most;
    for (u32 k = starts[n]; k < starts[n + 1]; k++) {
      int place = places[k], control = place < 0;
      if (control) place = -1 - place;
      double w = weights[k], low = s->low[place], high = s->high[place];
      if (control && s->exact[place]) low = high = x[place];
      most += w > 0 ? w * high : w * low;
      sizes += (w < 0 ? -w : w) * (high > -low ? high : -low);
    }
    int exact = slacks[n] == 0 && sizes < 1073741824.0;
    if (!(most + (exact ? 0 : 1e-9) * sizes <= 0)) on |= 1ull << groups[n];
  }
  return on;
}

/* What a block knows of a code: which groups are on, which is all until it was met often enough to find out. */
typedef struct known {
  u64 generation, code, on, met;
} known;

inlined int keeps_code(const state *s, const known *k, u64 code) { return k->generation == s->generation && k->code == code; }

inlined known *known_for(const state *s, i64 first, u64 code) {
  u64 hash = code * 0x9E3779B97F4A7C15ull;
  known *k = s->known + first + (hash >> 32 & (CODES - 1)), *put = k + (hash >> 44 & (WAYS - 1));
  for (int way = 0; way < WAYS; way++, k++) {
    if (keeps_code(s, k, code)) return k;
    if (k->generation != s->generation) put = k;
  }
  *put = (known){s->generation, code, ~0ull, 0};
  return put;
}
