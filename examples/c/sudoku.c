/* A sudoku solver: the cell with the fewest candidates first, then back. */
#include <stdio.h>

static const char puzzle[] =
    "5.4......"
    "...1....."
    "68...2.54"
    ".45.3...."
    "......7.6"
    ".......8."
    "....4...."
    ".91....2."
    "75...39..";

static int cell[81], tried;
static unsigned in_row[9], in_column[9], in_box[9];

static int box_of(int at) { return at / 27 * 3 + at % 9 / 3; }

static void flip(int at, int digit) {
  unsigned bit = 1u << digit;
  in_row[at / 9] ^= bit;
  in_column[at % 9] ^= bit;
  in_box[box_of(at)] ^= bit;
}

static unsigned candidates(int at) {
  return 0x3fe & ~(in_row[at / 9] | in_column[at % 9] | in_box[box_of(at)]);
}

static int count_bits(unsigned bits) {
  int count = 0;
  for (; bits; bits &= bits - 1) count++;
  return count;
}

static int solve(void) {
  int best = -1, fewest = 10;
  for (int at = 0; at < 81; at++) {
    if (cell[at]) continue;
    int count = count_bits(candidates(at));
    if (count < fewest) {
      fewest = count;
      best = at;
      if (count < 2) break;
    }
  }
  if (best < 0) return 1;
  unsigned open = candidates(best);
  for (int digit = 1; digit <= 9; digit++) {
    if (!(open >> digit & 1)) continue;
    tried++;
    cell[best] = digit;
    flip(best, digit);
    if (solve()) return 1;
    flip(best, digit);
    cell[best] = 0;
  }
  return 0;
}

int main(void) {
  for (int at = 0; at < 81; at++) {
    if (puzzle[at] == '.') continue;
    cell[at] = puzzle[at] - '0';
    flip(at, cell[at]);
  }
  if (!solve()) {
    printf("no solution\n");
    return 1;
  }
  for (int at = 0; at < 81; at++) printf("%d%s", cell[at], at % 9 == 8 ? "\n" : " ");
  printf("digits tried: %d\n", tried);
  return 0;
}
