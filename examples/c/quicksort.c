/* Quicksort of 1,000 pseudo-random numbers, by hand. */
#include <stdint.h>
#include <stdio.h>

enum { COUNT = 1000 };
static int32_t numbers[COUNT];

static void sort(int32_t *from, int32_t *to) {
  while (to - from > 1) {
    int32_t pivot = from[(to - from) / 2], *left = from, *right = to - 1;
    while (left <= right) {
      while (*left < pivot) left++;
      while (*right > pivot) right--;
      if (left > right) break;
      int32_t kept = *left;
      *left++ = *right;
      *right-- = kept;
    }
    /* The shorter part by recursion, the longer one by the loop: the stack stays small. */
    if (right + 1 - from < to - left) {
      sort(from, right + 1);
      from = left;
    } else {
      sort(left, to);
      to = right + 1;
    }
  }
}

int main(void) {
  uint32_t state = 12345, sum = 0;
  for (int i = 0; i < COUNT; i++) {
    state = state * 1664525u + 1013904223u;
    numbers[i] = (int32_t)state >> 8;
  }
  sort(numbers, numbers + COUNT);
  for (int i = 0; i < COUNT; i++) {
    if (i && numbers[i - 1] > numbers[i]) {
      printf("out of order at %d\n", i);
      return 1;
    }
    sum = sum * 31 + (uint32_t)numbers[i];
  }
  printf("least %d, middle %d, greatest %d, checksum %08x\n", (int)numbers[0], (int)numbers[COUNT / 2],
         (int)numbers[COUNT - 1], (unsigned)sum);
  return 0;
}
