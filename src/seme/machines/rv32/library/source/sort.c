#include <stdlib.h>
#include <string.h>

typedef int comparison(const void *, const void *);

void *bsearch(const void *key, const void *base, size_t count, size_t size, comparison *compare) {
  const char *first = base;
  while (count) {
    const char *middle = first + count / 2 * size;
    int order = compare(key, middle);
    if (order == 0) return (void *)middle;
    if (order > 0) {
      first = middle + size;
      count -= count / 2 + 1;
    } else {
      count /= 2;
    }
  }
  return NULL;
}

/* Merge sort: equal elements keep their order, and no input makes it quadratic. */
static void merge_sort(char *base, size_t count, size_t size, comparison *compare, char *spare) {
  if (count < 2) return;
  size_t half = count / 2;
  char *right = base + half * size, *end = base + count * size;
  merge_sort(base, half, size, compare, spare);
  merge_sort(right, count - half, size, compare, spare);
  if (compare(right - size, right) <= 0) return;
  memcpy(spare, base, half * size);
  char *left = spare, *left_end = spare + half * size, *to = base;
  while (left < left_end && right < end) {
    char **lower = compare(left, right) <= 0 ? &left : &right;
    memcpy(to, *lower, size);
    *lower += size;
    to += size;
  }
  memcpy(to, left, (size_t)(left_end - left));
}

void qsort(void *base, size_t count, size_t size, comparison *compare) {
  if (count < 2 || size == 0) return;
  char *spare = malloc(count / 2 * size);
  if (!spare) abort();
  merge_sort(base, count, size, compare, spare);
  free(spare);
}
