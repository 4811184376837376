/* Blocks replayed: what neurons write is a function of what they read, so where that is what it was, so is that.
 *
 * A node keeps what a block read and wrote for some token: a bit for each place that was 0 or 1 for every token so far, a
 * number for each other (`numbers`). Of a block that follows in a chain it keeps only what the chain did not read or
 * write before, and which node came before it, for the same token. Nodes made for one token lie one behind the other.
 * When a place turns out to be no bit, or there is no more room, all are forgotten.
 */
typedef struct {
  int number, fresh;  /* of the blocks that are replayed; whether a chain begins here */
  asked reads;        /* what is read that the chain did not read or write before */
  int first, outputs; /* the first place written, and how many */
  int shown;          /* how many of these, the first, others than the chain read */
} replay;

typedef struct layout {
  unsigned char lanes[MOST_EIGHTS];         /* of each eight read, which are bits */
  int shown, written;                       /* eights of outputs: that are written at once, and all */
  int read, told, all;                      /* numbers: that are read; and of outputs that are written at once; and all */
  int numbers, units;                       /* where numbers begin, in bytes, and the length of a node, in UNITs */
  u32 places[8 * (MOST_EIGHTS + MOST_OUT)]; /* where numbers stand */
} layout;

typedef struct {
  const void *of; /* the block, where a chain begins, or the node before */
  u32 next, then; /* what probably follows: in the chain, at its end the choice; and where the next token's begins */
  unsigned char bits[];
} node;

/* A token's way along its chain: the blocks so far whose nodes were found, and where not all they write was written. */
typedef struct {
  node *at; /* of the last block; 0 where it has none */
  const void *of; /* what the node of this block follows */
  u32 *guess;     /* which that probably is */
  place *to;      /* where it is to be noted; 0 where it is not */
  u32 hash;
  int adding, owed; /* whether nodes are made: where memory is short, the second time that a node is not found */
  const replay *blocks[REPLAYS + 1];
  const node *nodes[REPLAYS + 1];
} way;

inlined u32 number_of(const state *s, const node *n) { return (u32)(((const char *)n - s->nodes) / UNIT); }

inlined node *node_at(const state *s, u32 at) { return (node *)(s->nodes + (i64)at * UNIT); }

inlined u64 *numbers_of(const node *n, const layout *as) { return (u64 *)((char *)n + as->numbers); }

inlined int keeps(const node *n, const void *of, const double *x, const replay *r, const layout *as) {
  if (n->of != of) return 0;
  unsigned off = 0;
  for (int w = 0; w < r->reads.eights; w++) {
    wide v = *(const wide *)(x + r->reads.from[w]);
    off |= ((bits_in(v == 1.0) ^ n->bits[w]) | ~(bits_in(v == 0.0) ^ n->bits[w])) & as->lanes[w];
  }
  const u64 *numbers = numbers_of(n, as);
  for (int i = 0; i < as->read; i++) off |= bits_of(x[as->places[i]]) != numbers[i];
  return !off;
}

/* Bits of an eight; lanes that are none are numbers from now on. */
inlined unsigned char shortened(state *s, const double *x, u32 from, unsigned lanes) {
  wide v = *(const wide *)(x + from);
  unsigned one = bits_in(v == 1.0), odd = ~(one | bits_in(v == 0.0)) & lanes;
  if (unlikely(odd)) {
    for (int i = 0; i < 8; i++)
      if (odd >> i & 1) s->is_number[from + i] = 1;
    s->outdated = 1;
  }
  return one & lanes;
}

/* What a block reads, as a node keeps it. */
inlined void key_of(state *s, const double *x, const replay *r, const layout *as, unsigned char *bits, u64 *numbers) {
  for (int w = 0; w < r->reads.eights; w++) bits[w] = shortened(s, x, r->reads.from[w], as->lanes[w]);
  for (int i = 0; i < as->read; i++) numbers[i] = bits_of(x[as->places[i]]);
}

/* Looks for what a block reads among all nodes; where it is not there, says where it is to be noted. */
apart node *sought(state *s, const double *x, const replay *r, const layout *as, way *on) {
  u64 key[MOST_EIGHTS / 8 + 1 + 8 * MOST_EIGHTS + 1] = {0};
  i64 words = (r->reads.eights + 7) / 8;
  key_of(s, x, r, as, (unsigned char *)key, key + words);
  if (unlikely(s->outdated)) return 0;
  words += as->read;
  key[words] = (u64)on->of;
  u64 hash = mingled(key, words + 1);
  place *set = s->places + (hash & (NODE_SETS - 1)) * 8, *free = 0;
  on->hash = (u32)(hash >> 32) | 1;
  for (place *p = set; p < set + 8; p++) {
    if (p->hash == on->hash) {
      if (p->at && keeps(node_at(s, p->at), on->of, x, r, as)) return node_at(s, p->at);
      on->adding = 1, free = p;
      break;
    }
    if (!p->at) free = p;
  }
  if (!free && on->adding) free = set + (hash >> 29 & 7);
  if (on->adding) on->to = free;
  else if (free) *free = (place){on->hash, 0};
  return 0;
}

/* Writes some eights of what a block wrote, and numbers among these. */
inlined void written(double *x, const replay *r, const layout *as, const node *n, int from, int to, int first, int last) {
  const unsigned char *bits = n->bits + r->reads.eights;
  const u64 *numbers = numbers_of(n, as);
  for (int o = from; o < to; o++) *(wide *)(x + r->first + 8 * o) = spread(bits[o]);
  for (int i = first; i < last; i++) memcpy(x + as->places[i], numbers + i, 8);
}

/* Writes what was left out, where a block is to be computed. */
inlined void caught_up(const state *s, double *x, way *on) {
  for (int i = 0; i < on->owed; i++) {
    const layout *as = s->layouts + on->blocks[i]->number;
    written(x, on->blocks[i], as, on->nodes[i], as->shown, as->written, as->told, as->all);
  }
  on->owed = 0;
}

static const replay *const ALL_REPLAYS[REPLAYS + 1];

/* Says how a block's nodes keep what it reads and writes. */
static void laid_out(const state *s, const replay *r, layout *as) {
  as->all = 0;
  for (int w = 0; w < r->reads.eights; w++) {
    as->lanes[w] = 0;
    for (int i = 0; i < 8; i++) {
      u32 at = r->reads.from[w] + i;
      if (!r->reads.masks[w][i]) continue;
      if (s->is_number[at]) as->places[as->all++] = at;
      else as->lanes[w] |= 1 << i;
    }
  }
  as->read = as->told = as->all;
  as->shown = (r->shown + 7) / 8;
  as->written = (r->outputs + 7) / 8;
  for (int o = 0; o < r->outputs; o++) {
    if (s->is_number[r->first + o]) as->places[as->all++] = r->first + o;
    if (o < 8 * as->shown) as->told = as->all;
  }
  as->numbers = (16 + r->reads.eights + as->written + 7) / 8 * 8;
  as->units = (as->numbers + 8 * as->all + UNIT - 1) / UNIT;
}

apart void forgotten(state *s) {
  memset(s->places, 0, sizeof(place) * NODE_SETS * 8);
  memset(s->nodes, 0, UNIT); /* no node: what is guessed where nothing is known */
  memset(s->last, 0, sizeof(s->last));
  s->nodes_used = 1;
  s->outdated = 0;
  for (i64 i = 0; i < REPLAYS; i++) laid_out(s, ALL_REPLAYS[i], s->layouts + i);
}

/* Writes what a block wrote when it read the same, if that is kept. */
inlined int replayed(state *s, double *x, const replay *r, way *on) {
  on->of = on->at;
  on->to = 0;
  if (r->fresh) {
    if (unlikely(s->nodes_used > MOST_NODES - TOKEN_NODES)) s->outdated = s->sparing = 1;
    if (unlikely(s->outdated)) forgotten(s);
    on->of = r;
    on->guess = &node_at(s, s->last[r->number])->then;
    on->adding = !s->sparing, on->owed = 0;
  } else {
    if (!on->at) return 0;
    on->guess = &on->at->next;
  }
  const layout *as = s->layouts + r->number;
  node *n = node_at(s, *on->guess);
  if (!keeps(n, on->of, x, r, as)) {
    n = sought(s, x, r, as, on);
    if (n) *on->guess = number_of(s, n);
  }
  on->at = n;
  if (r->fresh) s->last[r->number] = n ? number_of(s, n) : 0;
  if (!n) return 0;
  written(x, r, as, n, 0, as->shown, as->read, as->told);
  on->blocks[on->owed] = r;
  on->nodes[on->owed++] = n;
  return 1;
}

/* Keeps what a block read and wrote. */
apart void noted(state *s, const double *x, const replay *r, way *on) {
  const layout *as = s->layouts + r->number;
  node *n = node_at(s, s->nodes_used);
  u64 *numbers = numbers_of(n, as);
  key_of(s, x, r, as, n->bits, numbers);
  for (int o = 0; o < as->written; o++) {
    unsigned lanes = o < r->outputs / 8 ? 255 : 255 >> (8 - r->outputs % 8);
    for (int i = 0; i < 8; i++) lanes &= ~(s->is_number[r->first + 8 * o + i] << i);
    n->bits[r->reads.eights + o] = shortened(s, x, r->first + 8 * o, lanes);
  }
  for (int i = as->read; i < as->all; i++) numbers[i] = bits_of(x[as->places[i]]);
  if (unlikely(s->outdated)) return;
  n->of = on->of;
  n->next = n->then = 0;
  *on->to = (place){on->hash, (u32)s->nodes_used};
  *on->guess = (u32)s->nodes_used;
  if (r->fresh) s->last[r->number] = (u32)s->nodes_used;
  s->nodes_used += as->units;
  on->at = n;
}
