/* What decides in a block, remembered: which groups of neurons can be on, and what neurons of controls alone write.
 *
 * Places of the stream that are asked about have bounds, `low` and `high`, that every token so far kept; controls are
 * also held to be 0 or 1 as long as they were (`exact`). A token that does not keep them widens them first, and then
 * nothing remembered is of this generation any more.
 */

typedef _Bool bits8 __attribute__((ext_vector_type(8)));
typedef i64 eight_words __attribute__((vector_size(64)));

/* Eight places: which are 1, and which are neither 0 nor 1. */
inlined u64 ones_of_eight(const double *x, u64 *odd) {
  wide v = *(const wide *)x;
  bits8 one = __builtin_convertvector(v == 1.0, bits8), off = __builtin_convertvector((v != 1.0) & (v != 0.0), bits8);
  unsigned char a, b;
  memcpy(&a, &one, 1);
  memcpy(&b, &off, 1);
  *odd = b;
  return a;
}

/* The same for up to 64 places; reads up to seven more. */
inlined u64 ones(const double *x, int count, u64 *odd) {
  u64 out = 0, not_bits = 0;
  for (int i = 0; i < count; i += 8) {
    u64 some;
    out |= ones_of_eight(x + i, &some) << i;
    not_bits |= some << i;
  }
  u64 all = count == 64 ? ~0ull : (1ull << count) - 1;
  *odd = not_bits & all;
  return out & all;
}

/* Whether places are within their bounds. */
inlined int within(const double *x, const double *low, const double *high, int count) {
  int i = 0, good = 1;
  eight_words beyond = {0};
  for (; i + 8 <= count; i += 8) {
    wide v = *(const wide *)(x + i);
    beyond |= ~((v >= *(const wide *)(low + i)) & (v <= *(const wide *)(high + i)));
  }
  for (; i < count; i++) good &= (x[i] >= low[i]) & (x[i] <= high[i]);
  return good & !__builtin_reduce_or(beyond);
}

/* The next bound outwards: few are tried, so few times is everything forgotten. */
inlined double outwards(double size) {
  double out = 1;
  while (out < size && out < 1e18) out *= 4;
  return out < size ? 1e308 : out;
}

/* Widens bounds until a token keeps them; `controls` of the places come first, their bits from `word` on. */
apart void widen(state *s, const double *x, int first, int controls, int count, int word) {
  for (int i = first; i < first + count; i++) {
    if (!(x[i] <= s->high[i])) s->high[i] = x[i] > 0 ? outwards(x[i]) : x[i] <= 0 ? 0 : 1e308;
    if (!(x[i] >= s->low[i])) s->low[i] = x[i] < 0 ? -outwards(-x[i]) : x[i] >= 0 ? 0 : -1e308;
    if (i < first + controls && x[i] != 0 && x[i] != 1) {
      s->exact[i] = 0;
      s->bits[word + (i - first) / 64] &= ~(1ull << (i - first) % 64);
    }
  }
  s->generation++;
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

/* Whether the places of controls are still held to be bits. */
inlined int all_exact(const state *s, const int *places, i64 count) {
  int out = 1;
  for (i64 i = 0; i < count; i++) out &= s->exact[places[i]];
  return out;
}

/* Where a block keeps what it knows of a code, or where it is to be put: [generation][code][groups][known]. What stands
 * there is of this code and generation if `keeps_code` says so; of the generation with UNSURE, all but what is known. */
#define UNSURE (1ull << 63)

inlined int keeps_code(const state *s, const u64 *kept, const u64 *code, i64 words) {
  return kept[0] == s->generation && same(kept + 1, code, words);
}

apart u64 *kept_elsewhere(const state *s, u64 *kept, u64 hash, const u64 *code, i64 words, i64 width) {
  for (int way = 1; way < WAYS; way++)
    if (keeps_code(s, kept + way * width, code, words)) return kept + way * width;
  for (int way = 0; way < WAYS; way++, kept += width)
    if ((kept[0] & ~UNSURE) != s->generation || same(kept + 1, code, words)) return kept;
  return kept - width * (1 + (i64)(hash & (WAYS - 1)));
}

inlined u64 *kept_for(const state *s, i64 offset, const u64 *code, i64 words, i64 width) {
  u64 hash = mingled(code, words);
  u64 *kept = s->known + offset + (i64)(hash >> 32 & (CODES - 1)) * width;
  return likely(keeps_code(s, kept, code, words)) ? kept : kept_elsewhere(s, kept, hash, code, words, width);
}
