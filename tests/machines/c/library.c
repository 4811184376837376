/* The heap, sorting, memory and string functions, characters, arithmetic beyond 32 bits. STEP makes it shorter. */
#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 99;
static uint32_t draw(uint32_t below) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % below;
}

static int by_value(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

typedef struct { char key; int order; char padding[3]; } record;
static int by_key(const void *a, const void *b) { return ((const record *)a)->key - ((const record *)b)->key; }

static void test_heap(void) {
  enum { BLOCKS = 60 };
  unsigned char *block[BLOCKS] = {0};
  size_t size[BLOCKS] = {0};
  int wrong = 0;
  for (int round = 0; round < 1500 / STEP; round++) {
    int i = (int)draw(BLOCKS);
    for (size_t k = 0; k < size[i]; k++) wrong += block[i][k] != (unsigned char)(i * 7 + k);
    size_t wanted = draw(4) ? draw(200) : draw(3000);
    if (!block[i]) block[i] = draw(2) ? malloc(wanted) : calloc(wanted, 1);
    else if (draw(2)) block[i] = realloc(block[i], wanted);
    else {
      free(block[i]);
      block[i] = NULL;
      wanted = 0;
    }
    if (wanted && (uintptr_t)block[i] % 16) wrong++;
    size[i] = wanted;
    for (size_t k = 0; k < wanted; k++) block[i][k] = (unsigned char)(i * 7 + k);
  }
  for (int i = 0; i < BLOCKS; i++) free(block[i]);
  int *zeros = calloc(1000, sizeof *zeros);
  for (int i = 0; i < 1000; i++) wrong += zeros[i] != 0;
  free(zeros);
  free(NULL);
  void *impossible = malloc((size_t)-1 / 2 + 10);
  printf("heap: %d wrong, %d\n", wrong, impossible == NULL);
  free(impossible);
}

static void test_sorting(void) {
  int numbers[200], inside = 0;
  record records[50];
  for (int i = 0; i < 200; i++) numbers[i] = (int)draw(1000) - 500;
  qsort(numbers, 200, sizeof *numbers, by_value);
  for (int i = 1; i < 200; i++) inside += numbers[i - 1] > numbers[i];
  printf("sorted: %d wrong, first %d last %d\n", inside, numbers[0], numbers[199]);
  int key = numbers[77], *found = bsearch(&key, numbers, 200, sizeof *numbers, by_value), absent = 5000;
  printf("found %d, absent %d\n", found && *found == key, bsearch(&absent, numbers, 200, sizeof *numbers, by_value) == NULL);
  for (int i = 0; i < 50; i++) records[i] = (record){(char)('a' + draw(26)), i, {0}};
  qsort(records, 50, sizeof *records, by_key);
  for (int i = 0; i < 50; i++) putchar(records[i].key);
  putchar('\n');
  qsort(numbers, 0, sizeof *numbers, by_value);
  qsort(numbers, 1, sizeof *numbers, by_value);
}

static void test_memory(void) {
  unsigned char from[80], to[80];
  uint32_t sum = 0;
  for (int i = 0; i < 80; i++) from[i] = (unsigned char)(i * 37 + 11);
  for (int a = 0; a < 9; a++) {
    for (int b = a % STEP; b < 9; b += STEP) {
      for (int n = 0; n < 40; n += STEP + n / 5) {
        memset(to, 0xEE, sizeof to);
        memcpy(to + a, from + b, (size_t)n);
        for (int i = 0; i < 80; i++) sum = sum * 31 + to[i];
        memmove(to + b, to + a, (size_t)n);
        for (int i = 0; i < 80; i++) sum = sum * 31 + to[i];
        memset(to + a, b * 40, (size_t)n);
        for (int i = 0; i < 80; i++) sum = sum * 31 + to[i];
        sum += (uint32_t)(memcmp(to + a, to + b, (size_t)n) > 0);
      }
    }
  }
  printf("memory %08x %td %d\n", (unsigned)sum, (unsigned char *)memchr(from, from[17], 80) - from, memchr(from, 1, 0) == NULL);
}

static void test_strings(void) {
  char text[64] = "one, two;three  four", copy[64], *rest;
  printf("%zu %zu %zu\n", strlen(text), strnlen(text, 5), strnlen(text, 50));
  printf("%d %d %d %d\n", strcmp("a", "b") < 0, strcmp("ab", "a") > 0, strcmp("x", "x"), strcmp("\xff", "a") > 0);
  printf("%d %d %d\n", strncmp("abc", "abd", 2), strncmp("abc", "abd", 3) < 0, strncmp("a", "a", 9));
  printf("%s %s %d\n", strchr(text, 't'), strrchr(text, 'o'), strchr(text, 'z') == NULL);
  printf("%s %d %s\n", strstr(text, "three"), strstr(text, "five") == NULL, strstr(text, ""));
  printf("%zu %zu %s\n", strspn(text, "eno"), strcspn(text, ";"), strpbrk(text, ";t"));
  strncpy(copy, text, 30);
  copy[5] = 0;
  strcat(copy, "+");
  strncat(copy, "abcdef", 3);
  printf("[%s] %d\n", copy, copy[29]);
  for (char *word = strtok(text, ", ;"); word; word = strtok(NULL, ", ;")) printf("<%s>", word);
  strcpy(copy, ":a::b:");
  for (char *word = strtok_r(copy, ":", &rest); word; word = strtok_r(NULL, ":", &rest)) printf("<%s>", word);
  char *twin = strdup("twin");
  printf(" %s %s %d\n", twin, strchr("abc", 0) ? "end" : "none", *strchr("abc", 0));
  free(twin);
}

static void test_characters(void) {
  unsigned sum = 0;
  for (int c = -1; c < 128; c++) {
    int bits = !!isalnum(c) | !!isalpha(c) << 1 | !!isblank(c) << 2 | !!iscntrl(c) << 3 | !!isdigit(c) << 4 | !!isgraph(c) << 5 |
               !!islower(c) << 6 | !!isprint(c) << 7 | !!ispunct(c) << 8 | !!isspace(c) << 9 | !!isupper(c) << 10 | !!isxdigit(c) << 11;
    sum = sum * 31 + (unsigned)bits;
    sum = sum * 31 + (unsigned)(tolower(c) * 256 + toupper(c));
  }
  printf("characters %08x\n", sum);
}

static void test_numbers(void) {
  volatile double x = 2.0, y = -7.75;
  volatile float f = 0.1f;
  volatile long long big = 123456789012345LL;
  volatile unsigned u = 4000000000u;
  div_t parts = div(-17, 5);
  printf("%d %d %d %ld %lld\n", abs(-5), parts.quot, parts.rem, labs(-6L), llabs(-7000000000LL));
  printf("%.17g %.17g %.17g %.17g %.17g\n", sqrt(x), x / 3, x * y, x - y, x + 1e-16);
  printf("%g %g %g %g %g %g\n", fabs(y), floor(y), ceil(y), trunc(y), round(y), fmod(y, x));
  printf("%.9g %.9g %d %u %lld\n", f * 3.0f, (double)f, (int)y, (unsigned)(x * 1e9), (long long)(x * 1e15));
  printf("%.17g %.17g %d %d %d\n", (double)big, (double)u, x < y, y != y, x >= 2);
  printf("%lld %lld %llu %lld\n", big / 1000, big % 1000, (unsigned long long)big * 31, big >> 7 | big << 5);
  printf("%d %d %d\n", isnan(NAN), isinf(INFINITY), isfinite(x));
}

static void at_end(void) { puts("handlers run"); }

int main(void) {
  test_heap();
  test_sorting();
  test_memory();
  test_strings();
  test_characters();
  test_numbers();
  bool same = rand() >= 0;
  srand(5);
  int first = rand();
  srand(5);
  assert(same && first == rand());
  atexit(at_end);
  exit(7);
}
