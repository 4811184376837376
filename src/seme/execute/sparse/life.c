/* A state's life, after the generated step: made, fed, run, measured, written out and read in, ended. */

static void end_store(store *m) {
  free(m->rows);
  free(m->slots);
}

/* Room for nodes; in large pages where there are such, since nodes are read here and there. */
static char *begun_nodes(void) {
  char *out = calloc(MOST_NODES, UNIT);
#ifdef __linux__
  const u64 page = 1 << 21;
  u64 first = ((u64)out + page - 1) & ~(page - 1), last = ((u64)out + MOST_NODES * UNIT) & ~(page - 1);
  if (out && last > first) madvise((void *)first, last - first, 14); /* MADV_HUGEPAGE */
#endif
  return out;
}

exported void seme_end(state *s) {
  for (i64 h = 0; h < USED_HEADS; h++) {
    end_store(&s->heads[h].keys.odd);
    end_store(&s->heads[h].keys.coded);
  }
  free(s->memo);
  free(s->nodes);
  free(s->slots);
  free(s->layouts);
  free(s);
}

exported state *seme_new(const void *const *tables) {
  state *s = malloc(sizeof(state));
  if (!s) return 0;
  memset(s, 0, sizeof(state));
  s->memo = calloc(MEMO_ROWS + 1, sizeof(choice));
  s->nodes = REPLAYS ? begun_nodes() : calloc(2, UNIT);
  s->slots = calloc(NODE_SETS * 8, sizeof(slot));
  s->layouts = calloc(REPLAYS + 1, sizeof(layout));
  if (!s->memo || !s->nodes || !s->slots || !s->layouts) {
    seme_end(s);
    return 0;
  }
  s->outdated = 1;
  s->tables = tables;
  s->next = -1;
  int failed = 0;
  for (i64 h = 0; h < USED_HEADS; h++) {
    const double *sizes = tables[SIZES];
    head *of = &s->heads[h];
    memcpy(of->queries.asks, sizes + 2 * h * MOST_COMPONENTS, sizeof(of->queries.asks));
    memcpy(of->keys.gives, sizes + (2 * h + 1) * MOST_COMPONENTS, sizeof(of->keys.gives));
    of->keys.peak = EMPTY;
    of->keys.most = 1;
    if (CODED[h] && OWNERS[h] == h && DIRECT(KEEPS[h], COUNTS[h]))
      failed |= begun(&of->keys.coded, (int)COUNTS[h], (int)VALUES[h]);
  }
  if (failed) {
    seme_end(s);
    return 0;
  }
  return s;
}

/* Reads given rows; returns how many were read before memory ran out. `chosen` is what follows each, or 0: then nothing
 * is chosen but after the last. */
exported i64 seme_feed(state *s, const i64 *rows, i64 count, i64 *chosen) {
  s->given = 1; /* little of what is given comes again */
  for (i64 i = 0; i < count; i++) {
    if (step(s, rows[i], chosen || i == count - 1)) count = i;
    else if (chosen) chosen[i] = s->next;
  }
  s->given = 0;
  return count;
}

/* Appends rows of the model's own choice; returns how many, or -1 - that when the last could not be read: memory is
 * out, or the first token came again. */
exported i64 seme_run(state *s, i64 most, i64 *out) {
  const unsigned char *stops = s->tables[STOPS];
  for (i64 i = 0; i < most; i++) {
    i64 row = s->next;
    out[i] = row;
    if (BEGIN_ALONE && row == 0) return -1 - i;
    if (step(s, row, 1)) return -1 - i;
    if (stops[row]) return i + 1;
  }
  return most;
}

exported i64 seme_length(const state *s) { return s->length; }
exported i64 seme_next(const state *s) { return s->next; }
exported i64 seme_replayed(const state *s) { return s->replays; }

static i64 store_bytes(const store *m, i64 width) {
  return m->room * width * 8 + (m->slots ? (i64)4 << m->bits : 0);
}

exported i64 seme_bytes(const state *s) {
  i64 out = sizeof(state) + (i64)(MEMO_ROWS + 1) * (i64)sizeof(choice);
  out += MOST_NODES * UNIT + REPLAYS * (i64)sizeof(layout) + NODE_SETS * 8 * (i64)sizeof(slot);
  for (i64 h = 0; h < USED_HEADS; h++) {
    const keys *of = &s->heads[h].keys;
    out += store_bytes(&of->odd, COUNTS[h] + TAIL(KEEPS[h]) + VALUES[h]);
    out += store_bytes(&of->coded, 1 + TAIL(KEEPS[h]) + VALUES[h]);
  }
  return out;
}

/* Rows that a head asks: of codes, then apart. */
exported void seme_kept(const state *s, i64 h, i64 *out) {
  const store *coded = &s->heads[OWNERS[h]].keys.coded;
  out[0] = 0;
  for (i64 r = 0; r < coded->n; r++) out[0] += coded->rows[r * (1 + TAIL(KEEPS[h]) + VALUES[h]) + 1] != EMPTY;
  out[1] = s->heads[OWNERS[h]].keys.odd.n;
}

typedef struct {
  unsigned char *at;
  const unsigned char *end;
  int writes, failed;
} tape;

static void moved(tape *on, void *data, size bytes) {
  if (on->failed) return;
  if (on->at && on->end && (size)(on->end - on->at) < bytes) {
    on->failed = 1;
    return;
  }
  if (on->end) {
    if (on->writes)
      memcpy(on->at, data, bytes);
    else
      memcpy(data, on->at, bytes);
  }
  on->at += bytes;
}

static void moved_store(tape *on, store *m, i64 words, i64 width, int indexed) {
  i64 n = m->n;
  moved(on, &n, 8);
  if (!on->writes) {
    if (on->failed || n < 0 || (on->end && n > (on->end - on->at) / 8)) {
      on->failed = 1;
      return;
    }
    free(m->rows);
    m->n = m->room = n;
    m->rows = n ? malloc((size)(n * width) * 8) : 0;
    if (n && !m->rows) {
      m->n = m->room = 0;
      on->failed = 1;
      return;
    }
  }
  moved(on, m->rows, (size)(n * width) * 8);
  if (!on->writes && indexed && n && !on->failed) on->failed = index_rows(m, words, width);
}

static void moved_state(tape *on, state *s) {
  moved(on, &s->length, 8);
  moved(on, &s->next, 8);
  moved(on, s->rings, sizeof(s->rings));
  for (i64 h = 0; h < USED_HEADS; h++) {
    keys *of = &s->heads[h].keys;
    moved(on, &s->heads[h].queries, sizeof(queries));
    moved(on, of, __builtin_offsetof(keys, coded));
    moved_store(on, &of->coded, 1, 1 + TAIL(KEEPS[h]) + VALUES[h], !DIRECT(KEEPS[h], COUNTS[h]));
    moved_store(on, &of->odd, COUNTS[h] + 1, COUNTS[h] + TAIL(KEEPS[h]) + VALUES[h], KEEPS[h] != ALL);
  }
}

/* Writes the state out; with no place to write to, only says how many bytes that takes. */
exported i64 seme_write(state *s, unsigned char *out, i64 bytes) {
  tape on = {out, out ? out + bytes : 0, 1, 0};
  moved_state(&on, s);
  return on.failed ? -1 : on.at - out;
}

exported i64 seme_read(state *s, unsigned char *from, i64 bytes) {
  tape on = {from, from + bytes, 0, 0};
  moved_state(&on, s);
  return on.failed ? -1 : on.at - from;
}
