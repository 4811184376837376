/* What decides in a block, remembered: which groups of neurons can be on, and what neurons of controls alone write.
 *
 * Places of the stream that are asked about have bounds, `low` and `high`, that every token so far kept; controls are
 * also held to be 0 or 1 as long as they were (`exact`). A token that does not keep them widens them first, and then
 * nothing remembered is of this generation any more.
 */

inlined unsigned eight(wide_words test) {
  wide_flags flags = __builtin_convertvector(test, wide_flags);
  unsigned char out;
  memcpy(&out, &flags, 1);
  return out;
}

/* The next bound outwards: few are tried, so few times is everything forgotten; what is beyond 16 is a number. */
inlined double outwards(double size) {
  double out = 1;
  while (out < size && out < 1e18) out *= out < 16 ? 4 : 256;
  return out < size ? 1e308 : out;
}

/* Places side by side that are asked about: the first and how many, and which of them are controls, whose bits are a
 * word. */
typedef struct {
  int first, count, first_control, controls, word;
} asked;

/* Widens bounds until a token keeps them. */
apart void widen(state *s, const double *x, const asked *of) {
  for (int i = of->first; i < of->first + of->count; i++) {
    int control = i - of->first_control;
    if (!(x[i] <= s->high[i])) s->high[i] = x[i] > 0 ? outwards(x[i]) : x[i] <= 0 ? 0 : 1e308;
    if (!(x[i] >= s->low[i])) s->low[i] = x[i] < 0 ? -outwards(-x[i]) : x[i] >= 0 ? 0 : -1e308;
    if (control >= 0 && control < of->controls && x[i] != 0 && x[i] != 1) {
      s->exact[i] = 0;
      s->bits[of->word] &= ~(1ull << control);
    }
  }
  s->generation++;
}

/* Holds places against their bounds; returns which controls are 1, of those still held to be bits. Both loops read up
 * to seven places more than they are asked. */
apart u64 seen(state *s, const double *x, const asked *of) {
  const double *at = x + of->first, *low = s->low + of->first, *high = s->high + of->first;
  unsigned good = 255, all = 255;
  for (int i = 0; i < of->count; i += 8) {
    good &= all;
    wide v = *(const wide *)(at + i);
    all = eight((v >= *(const wide *)(low + i)) & (v <= *(const wide *)(high + i)));
  }
  good &= all | ~(255u >> (-of->count & 7)); /* of the last eight only what is asked */
  u64 one = 0, odd = 0;
  for (int i = 0; i < of->controls; i += 8) {
    wide v = *(const wide *)(x + of->first_control + i);
    one |= (u64)eight(v == 1.0) << i;
    odd |= (u64)eight((v != 1.0) & (v != 0.0)) << i;
  }
  u64 held = of->controls ? ~0ull >> (64 - of->controls) & s->bits[of->word] : 0;
  if (likely((good & 255) == 255 && !(odd & held))) return one & held;
  widen(s, x, of);
  return one & held & s->bits[of->word];
}

/* Some of a word's bits, side by side. */
inlined u64 chosen_bits(u64 word, u64 mask) {
#ifdef __BMI2__
  return __builtin_ia32_pext_di(word, mask);
#else
  u64 out = 0;
  for (int at = 0; mask; mask &= mask - 1, at++) out |= (u64)((word & mask & -mask) != 0) << at;
  return out;
#endif
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

inlined int keeps_code(const state *s, const u64 *kept, u64 code) { return kept[0] == s->generation && kept[1] == code; }

apart u64 *kept_elsewhere(const state *s, u64 *kept, u64 hash, u64 code, i64 width) {
  for (int way = 1; way < WAYS; way++)
    if (keeps_code(s, kept + way * width, code)) return kept + way * width;
  for (int way = 0; way < WAYS; way++, kept += width)
    if ((kept[0] & ~UNSURE) != s->generation || kept[1] == code) return kept;
  return kept - width * (1 + (i64)(hash & (WAYS - 1)));
}

inlined u64 *kept_for(const state *s, i64 offset, u64 code, i64 width) {
  u64 hash = code * 0x9E3779B97F4A7C15ull;
  u64 *kept = s->known + offset + (i64)((hash >> 32 & (CODES - 1)) * (u64)width);
  return likely(keeps_code(s, kept, code)) ? kept : kept_elsewhere(s, kept, hash >> 44, code, width);
}
