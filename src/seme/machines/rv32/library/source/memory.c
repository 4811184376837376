/* The memory functions that compilers call by themselves. Aligned words are moved whole. */
#include <stdint.h>
#include <string.h>

/* A word that may alias anything: these functions see the objects of others. */
typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
  if ((((uintptr_t)target | (uintptr_t)source) & 3) == 0) {
    for (; size >= 4; size -= 4, target += 4, source += 4) *(word *)target = *(const word *)source;
  }
  for (; size; size--) *target++ = *source++;
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
  if ((uintptr_t)target - (uintptr_t)source >= size) return memcpy(to, from, size);
  /* The target begins inside the source: from the end backwards. */
  if ((((uintptr_t)target | (uintptr_t)source | size) & 3) == 0) {
    for (; size; size -= 4) *(word *)(target + size - 4) = *(const word *)(source + size - 4);
  }
  for (; size; size--) target[size - 1] = source[size - 1];
  return to;
}

void *memset(void *to, int byte, size_t size) {
  unsigned char *target = to;
  for (; size && ((uintptr_t)target & 3); size--) *target++ = (unsigned char)byte;
  word pattern = (unsigned char)byte * 0x01010101u;
  for (; size >= 4; size -= 4, target += 4) *(word *)target = pattern;
  for (; size; size--) *target++ = (unsigned char)byte;
  return to;
}

int memcmp(const void *left, const void *right, size_t size) {
  const unsigned char *a = left, *b = right;
  for (; size; size--, a++, b++) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}
