/* Blocks replayed: what neurons write is a function of what they read, so where that is what it was, so is that.
 *
 * A node keeps what a block read and wrote for some token: a bit for each place that was 0 or 1 for every token so far, a
 * number for each other. Such blocks form a chain: of one behind the first a node keeps which node of the block before
 * it was this token's, and of what is read only what no block of the chain read or wrote before. Which node is meant is
 * guessed, by the node before it or by the token before, compared, and else looked for by a hash. Nodes of one token lie
 * one behind the other. When a place turns out to be no bit, or there is no more room, all are forgotten.
 */
typedef struct {
  int eights; /* of places that are meant: where each begins, and which of it are, a bit each */
  const u32 *from;
  const unsigned char *masks;
} asked;

typedef struct {
  int number;         /* among these blocks */
  asked reads;        /* what it reads that those before it do not read or write */
  int first, outputs; /* the first place written, and how many */
  int shown;          /* how many of these, the first, others read, too */
  int rows;           /* of keys and queries that follow from what nodes of it and before it keep */
} replay;

typedef struct layout {
  unsigned char lanes[MOST_READ];               /* of each eight that is read, which are bits */
  unsigned char outs[MOST_WRITTEN];             /* of each that is written */
  int shown, written;                           /* eights of outputs: that are written at once, and all */
  int read_numbers, shown_numbers, all_numbers; /* that are read; and of outputs that are written at once; and all */
  int numbers, rows;                            /* where numbers begin, in bytes, and row numbers + 1, 0 where not known */
  int units;                                    /* the length of a node, in UNITs */
  u32 places[8 * (MOST_READ + MOST_WRITTEN)];   /* where numbers stand */
} layout;

typedef struct {
  const void *of; /* the node before it, or of the first block the block */
  u32 next;       /* the node that probably follows, 0 where none ever did; of the last block the choice + 1 */
  u32 then;       /* of a token's last node, and of the first block's: with which the next token probably begins */
  u32 turning;    /* and which it probably has at the block TURNING */
  int listed;     /* whether it can be sought; the only one that follows another is found there */
  unsigned char bits[];
} node;

/* A token's way along its chain: the blocks so far whose nodes were found, and where not all they write was written. */
typedef struct {
  node *at;       /* of the block before; 0 where it has none */
  const void *of; /* what this block's follows */
  u32 *guess;     /* which that probably is */
  u32 *turning;   /* which the block TURNING's probably is, by the token before */
  slot *to;       /* where there is room to list it */
  u64 hash;       /* 0 where it need not be listed */
  int noting;     /* whether it is to be made */
  int adding;     /* whether one is made wherever none is found */
  int owed;       /* how many of what follows */
  const replay *blocks[REPLAYS + 1];
  const node *nodes[REPLAYS + 1];
} way;

/* A bit each as 0 or 1. */
inlined wide spread(unsigned char bits) {
  const wide one = {1, 1, 1, 1, 1, 1, 1, 1};
  wide_flags flags;
  memcpy(&flags, &bits, 1);
  return (wide)(-__builtin_convertvector(flags, wide_words) & (wide_words)one);
}

inlined unsigned bits_in(wide_words test) {
  wide_flags flags = __builtin_convertvector(test, wide_flags);
  unsigned char out;
  memcpy(&out, &flags, 1);
  return out;
}

inlined u32 number_of(const state *s, const node *n) { return (u32)(((const char *)n - s->nodes) / UNIT); }

inlined node *node_at(const state *s, u32 at) { return (node *)(s->nodes + (i64)at * UNIT); }

inlined u64 *numbers_of(const node *n, const layout *as) { return (u64 *)((char *)n + as->numbers); }

inlined int keeps(const node *n, const void *of, const double *x, const replay *r, const layout *as) {
  if (n->of != of) return 0;
  unsigned off = 0;
  for (int w = 0; w < r->reads.eights; w++) {
    wide v = *(const wide *)(x + r->reads.from[w]);
    off |= bits_in(v != spread(n->bits[w])) & as->lanes[w];
  }
  const u64 *numbers = numbers_of(n, as);
  for (int i = 0; i < as->read_numbers; i++) off |= bits_of(x[as->places[i]]) != numbers[i];
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
  for (int i = 0; i < as->read_numbers; i++) numbers[i] = bits_of(x[as->places[i]]);
}

/* A hash of what a block reads and of what its node follows; `bits` as it keeps them. */
inlined u64 hash_of(const void *of, const unsigned char *bits, const u64 *numbers, int eights, int count) {
  u64 out = (u64)of * 0x9E3779B97F4A7C15ull, last = 0;
  for (; eights >= 8; eights -= 8, bits += 8) {
    memcpy(&last, bits, 8);
    out = (out ^ out >> 29 ^ last) * 0xBF58476D1CE4E5B9ull;
  }
  for (last = 0; eights > 0; eights--) last = last << 8 | *bits++;
  out = (out ^ out >> 29 ^ last) * 0x94D049BB133111EBull;
  for (int i = 0; i < count; i++) out = (out ^ out >> 29 ^ numbers[i] ^ numbers[i] >> 32) * 0xBF58476D1CE4E5B9ull;
  return out ^ out >> 31;
}

inlined slot *set_of(const state *s, u64 hash) { return s->slots + (hash & (NODE_SETS - 1)) * 8; }

/* Lists a node at a slot, or else wherever its hash points to in its set: what is listed there is forgotten. */
inlined void listed(state *s, node *n, u64 hash, slot *to) {
  *(to ? to : set_of(s, hash) + (hash >> 29 & 7)) = (slot){(u32)(hash >> 32) | 1, number_of(s, n)};
  n->listed = 1;
}

/* Looks for what a block reads among the nodes that are noted; leaves its hash where it is not there. */
apart node *sought(state *s, const double *x, const replay *r, const layout *as, way *on) {
  unsigned char bits[MOST_READ];
  u64 numbers[8 * MOST_READ];
  key_of(s, x, r, as, bits, numbers);
  if (unlikely(s->outdated)) return 0;
  on->hash = hash_of(on->of, bits, numbers, r->reads.eights, as->read_numbers);
  u32 some = (u32)(on->hash >> 32) | 1;
  slot *set = set_of(s, on->hash), *free = 0;
  for (slot *p = set; p < set + 8; p++) {
    if (p->hash == some) {
      if (p->at && keeps(node_at(s, p->at), on->of, x, r, as)) return node_at(s, p->at);
      on->adding = 1, free = p;
      break;
    }
    if (!p->at) free = p;
  }
  if (!on->adding) {
    if (free) *free = (slot){some, 0};
    return 0;
  }
  on->to = free;
  on->noting = 1;
  node *only = node_at(s, *on->guess);
  if (*on->guess && !only->listed) {
    u64 hash = hash_of(only->of, only->bits, numbers_of(only, as), r->reads.eights, as->read_numbers);
    listed(s, only, hash, 0);
    if (on->to && on->to->at) on->to = 0;
  }
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
    written(x, on->blocks[i], as, on->nodes[i], as->shown, as->written, as->shown_numbers, as->all_numbers);
  }
  on->owed = 0;
}

/* The row numbers that a token's node of some block knows, 0 where there is no node. */
inlined u32 *rows_of(const state *s, const way *on, int number) {
  return on->at ? (u32 *)((char *)on->at + s->layouts[number].rows) : 0;
}

static const replay *const ALL_REPLAYS[REPLAYS + 1];

/* Says how a block's nodes keep what it reads and writes. */
static void laid_out(const state *s, const replay *r, layout *as) {
  as->all_numbers = 0;
  for (int w = 0; w < r->reads.eights; w++) {
    as->lanes[w] = 0;
    for (int i = 0; i < 8; i++) {
      u32 at = r->reads.from[w] + i;
      if (!(r->reads.masks[w] >> i & 1)) continue;
      if (s->is_number[at]) as->places[as->all_numbers++] = at;
      else as->lanes[w] |= 1 << i;
    }
  }
  as->read_numbers = as->shown_numbers = as->all_numbers;
  as->shown = (r->shown + 7) / 8;
  as->written = (r->outputs + 7) / 8;
  memset(as->outs, 0, sizeof(as->outs));
  for (int o = 0; o < r->outputs; o++) {
    if (s->is_number[r->first + o]) as->places[as->all_numbers++] = r->first + o;
    else as->outs[o / 8] |= 1 << o % 8;
    if (o < 8 * as->shown) as->shown_numbers = as->all_numbers;
  }
  as->numbers = (sizeof(node) + r->reads.eights + as->written + 7) / 8 * 8;
  as->rows = as->numbers + 8 * as->all_numbers;
  as->units = (as->rows + 4 * r->rows + UNIT - 1) / UNIT;
}

/* The first units are no node: what is guessed where nothing is known. */
#define FIRST_NODE ((i64)(sizeof(node) + UNIT - 1) / UNIT)
_Static_assert(sizeof(node) == NODE_HEAD, "see `generate_replay.HEAD`");

apart void forgotten(state *s) {
  memset(s->slots, 0, sizeof(slot) * NODE_SETS * 8);
  memset(s->nodes, 0, FIRST_NODE * UNIT);
  s->nodes_used = FIRST_NODE;
  s->last = 0;
  s->outdated = 0;
  for (i64 i = 0; i < REPLAYS; i++) laid_out(s, ALL_REPLAYS[i], s->layouts + i);
}

/* Writes what a block wrote when it read the same, if that is kept. */
inlined int replayed(state *s, double *x, const replay *r, way *on) {
  on->of = on->at;
  on->to = 0, on->hash = 0, on->noting = 0;
  if (r->number == 0) {
    i64 room = s->filled ? LATER_NODES : MOST_NODES;
    if (unlikely(s->nodes_used > room - TOKEN_NODES)) s->outdated = s->filled = 1;
    if (unlikely(s->outdated)) forgotten(s);
    on->of = r;
    on->guess = &node_at(s, s->last)->then;
    on->turning = &node_at(s, s->last)->turning;
    on->adding = !(s->filled | s->given); /* else where something is not found the second time */
  } else {
    if (!on->at) return 0;
    on->guess = &on->at->next;
    if (!*on->guess) {
      on->at = 0, on->noting = 1;
      return 0;
    }
  }
  const layout *as = s->layouts + r->number;
  node *n = 0;
  if (r->number == TURNING) {
    n = node_at(s, *on->turning);
    if (!keeps(n, on->of, x, r, as)) n = 0;
  }
  if (!n) {
    n = node_at(s, *on->guess);
    if (!keeps(n, on->of, x, r, as)) {
      n = sought(s, x, r, as, on);
      if (n) *on->guess = number_of(s, n);
    }
    if (r->number == TURNING && n) *on->turning = number_of(s, n);
  }
  on->at = n;
  if (r->number == 0) s->last = n ? number_of(s, n) : 0;
  if (!n) return 0;
  written(x, r, as, n, 0, as->shown, as->read_numbers, as->shown_numbers);
  s->replays++;
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
  for (int o = 0; o < as->written; o++)
    n->bits[r->reads.eights + o] = shortened(s, x, r->first + 8 * o, as->outs[o]);
  for (int i = as->read_numbers; i < as->all_numbers; i++) numbers[i] = bits_of(x[as->places[i]]);
  if (unlikely(s->outdated)) return;
  memset((char *)n + as->rows, 0, 4 * r->rows);
  n->of = on->of;
  n->next = n->then = n->turning = 0;
  n->listed = 0;
  if (on->hash) listed(s, n, on->hash, on->to);
  *on->guess = (u32)s->nodes_used;
  if (r->number == TURNING) *on->turning = (u32)s->nodes_used;
  if (r->number == 0) s->last = (u32)s->nodes_used;
  s->nodes_used += as->units;
  on->at = n;
}
