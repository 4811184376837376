/* Eight queens: the number of ways to place them, and the first. Attacked columns and diagonals are bits. */
#include <stdio.h>

enum { SIZE = 8 };
static int column_of[SIZE], solutions;

static void print_board(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) putchar(column == column_of[row] ? 'Q' : '.');
    putchar('\n');
  }
}

static void place(int row, unsigned columns, unsigned left, unsigned right) {
  if (row == SIZE) {
    if (solutions++ == 0) print_board();
    return;
  }
  for (int column = 0; column < SIZE; column++) {
    unsigned bit = 1u << column;
    if ((columns | left | right) & bit) continue;
    column_of[row] = column;
    place(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
}

int main(void) {
  place(0, 0, 0, 0);
  printf("%d solutions\n", solutions);
  return 0;
}
