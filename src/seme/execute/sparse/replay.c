/* Blocks replayed: what neurons write is a function of what they read, so where that is what it was, so is that.
 *
 * A node keeps what a block read and wrote for some token, as whole numbers of 16 bits; where either is none, there is no
 * node. Of a block that follows in a chain it keeps only what the chain did not read or write before, and which node
 * came before it, for the same token. Nodes made for one token lie one behind the other. When there is no more room, all
 * are forgotten.
 */
typedef struct {
  int fresh;          /* the number of the chain that begins here, or -1 */
  asked reads;        /* what is read that the chain did not read or write before */
  int first, outputs; /* the first place written, and how many */
  int shown;          /* how many of these, the first, others than the chain read */
  int units;          /* of a node, of 64 bytes */
} replay;

typedef struct {
  const void *of; /* the block, where a chain begins, or the node before */
  u32 next, then; /* what probably follows: in the chain, behind its last block the choice; where the next token's begins */
  short numbers[];
} node;


/* A token's way along its chain: the blocks so far whose nodes were found, and where not all they write was written. */
typedef struct {
  node *at; /* of the last block; 0 where it has none */
  const void *of; /* what the node of this block follows */
  u32 *guess;
  place *to; /* where the node of this block is to be noted; 0 where it is not */
  u32 hash;
  int adding, owed; /* whether nodes are made: they are from the second time on that what a block reads is not found */
  const replay *blocks[REPLAYS + 1];
  const node *nodes[REPLAYS + 1];
} way;

inlined u32 number_of(const state *s, const node *n) { return (u32)(((const char *)n - s->nodes) / 64); }

inlined node *node_at(const state *s, u32 at) { return (node *)(s->nodes + (i64)at * 64); }

inlined int keeps_numbers(const node *n, const void *of, const double *x, const replay *r) {
  if (n->of != of) return 0;
  wide_words off = {};
  for (int w = 0; w < r->reads.eights; w++)
    off |= (*(const wide *)(x + r->reads.from[w]) != whole(n->numbers + 8 * w)) & r->reads.masks[w];
  return !__builtin_reduce_or(off);
}

/* Eight numbers as 16 bits each; which of them are not that. */
inlined wide_words shortened(wide given, short *to) {
  whole_words few = __builtin_convertvector((wide_words)(given + 0x1.8p52), whole_words);
  memcpy(to, &few, 16);
  return given != whole(to);
}

/* What a block reads, as 16 bits each; whether it is that. */
inlined int key_of(const double *x, const asked *reads, short *to) {
  wide_words odd = {};
  for (int w = 0; w < reads->eights; w++)
    odd |= shortened((wide)(*(const wide_words *)(x + reads->from[w]) & reads->masks[w]), to + 8 * w);
  return !__builtin_reduce_or(odd);
}

/* Looks for what a block reads among all nodes; where it is not there, says where it is to be noted. */
apart node *sought(state *s, const double *x, const replay *r, way *on) {
  short key[8 * MOST_EIGHTS];
  u64 words[2 * MOST_EIGHTS + 1];
  if (!key_of(x, &r->reads, key)) return 0;
  memcpy(words, key, (size)r->reads.eights * 16);
  words[2 * r->reads.eights] = (u64)on->of;
  u64 hash = mingled(words, 2 * r->reads.eights + 1);
  place *set = s->places + (hash & (NODE_SETS - 1)) * 8, *free = 0;
  on->hash = (u32)(hash >> 32) | 1;
  for (place *p = set; p < set + 8; p++) {
    if (p->hash == on->hash) {
      if (p->at && keeps_numbers(node_at(s, p->at), on->of, x, r)) return node_at(s, p->at);
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

inlined void written(double *x, const replay *r, const node *n, int from, int to) {
  const short *numbers = n->numbers + 8 * r->reads.eights;
  for (int o = from; o < to; o += 8) *(wide *)(x + r->first + o) = whole(numbers + o);
}

/* Writes what was left out, where a block is to be computed. */
inlined void caught_up(double *x, way *on) {
  for (int i = 0; i < on->owed; i++)
    written(x, on->blocks[i], on->nodes[i], (on->blocks[i]->shown + 7) & ~7, on->blocks[i]->outputs);
  on->owed = 0;
}

apart void forgotten(state *s) {
  memset(s->places, 0, sizeof(place) * NODE_SETS * 8);
  memset(s->nodes, 0, 64); /* no node: what is guessed where nothing is known */
  memset(s->last, 0, sizeof(s->last));
  s->nodes_used = 1;
}

/* Writes what a block wrote when it read the same, if that is kept. */
inlined int replayed(state *s, double *x, const replay *r, way *on) {
  on->of = on->at;
  on->to = 0;
  if (r->fresh >= 0) {
    if (unlikely(s->nodes_used + TOKEN_NODES > MOST_NODES)) forgotten(s);
    on->of = r;
    on->guess = &node_at(s, s->last[r->fresh])->then;
    on->adding = on->owed = 0;
  } else {
    if (!on->at) return 0;
    on->guess = &on->at->next;
  }
  node *n = node_at(s, *on->guess);
  if (!keeps_numbers(n, on->of, x, r)) {
    n = sought(s, x, r, on);
    if (n) *on->guess = number_of(s, n);
  }
  on->at = n;
  if (r->fresh >= 0) s->last[r->fresh] = n ? number_of(s, n) : 0;
  if (!n) return 0;
  written(x, r, n, 0, r->shown);
  on->blocks[on->owed] = r;
  on->nodes[on->owed++] = n;
  return 1;
}

/* Keeps what a block read and wrote. */
apart void noted(state *s, const double *x, const replay *r, way *on) {
  node *n = node_at(s, s->nodes_used);
  short *wrote = n->numbers + 8 * r->reads.eights;
  wide_words odd = {};
  for (int o = 0; o < r->outputs; o += 8) {
    wide_words there = (wide_words){0, 1, 2, 3, 4, 5, 6, 7} < r->outputs - o;
    odd |= shortened((wide)(*(const wide_words *)(x + r->first + o) & there), wrote + o);
  }
  if (!key_of(x, &r->reads, n->numbers) || __builtin_reduce_or(odd)) return;
  n->of = on->of;
  n->next = n->then = 0;
  *on->to = (place){on->hash, (u32)s->nodes_used};
  *on->guess = (u32)s->nodes_used;
  if (r->fresh >= 0) s->last[r->fresh] = (u32)s->nodes_used;
  s->nodes_used += r->units;
  on->at = n;
}
