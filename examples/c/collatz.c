/* The start below 1,000 with the longest Collatz sequence. */
#include <stdio.h>

int main(void) {
  unsigned best = 1, longest = 0;
  for (unsigned start = 1; start < 1000; start++) {
    unsigned steps = 0;
    for (unsigned n = start; n != 1; steps++) n = n & 1 ? 3 * n + 1 : n / 2;
    if (steps > longest) {
      longest = steps;
      best = start;
      printf("%u takes %u steps\n", best, longest);
    }
  }
  return 0;
}
