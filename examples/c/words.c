/* Counts lines, words and bytes of standard input, and its five commonest words. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
  char *word;
  int count;
  struct entry *next;
} entry;

static entry *entries;

static void count_word(const char *word) {
  for (entry *e = entries; e; e = e->next) {
    if (strcmp(e->word, word) == 0) {
      e->count++;
      return;
    }
  }
  entry *made = malloc(sizeof *made);
  made->word = malloc(strlen(word) + 1);
  strcpy(made->word, word);
  made->count = 1;
  made->next = entries;
  entries = made;
}

static int commoner(const void *left, const void *right) {
  const entry *a = *(entry *const *)left, *b = *(entry *const *)right;
  return a->count != b->count ? b->count - a->count : strcmp(a->word, b->word);
}

int main(void) {
  char word[64];
  int lines = 0, words = 0, bytes = 0, length = 0, kinds = 0;
  for (int byte = getchar();; byte = getchar()) {
    if (byte != EOF) bytes++;
    if (byte == '\n') lines++;
    if (byte != EOF && isalpha(byte)) {
      if (length < 63) word[length++] = (char)tolower(byte);
      continue;
    }
    if (length) {
      word[length] = 0;
      count_word(word);
      words++;
      length = 0;
    }
    if (byte == EOF) break;
  }
  for (entry *e = entries; e; e = e->next) kinds++;
  entry **sorted = malloc((size_t)(kinds + 1) * sizeof *sorted);
  int i = 0;
  for (entry *e = entries; e; e = e->next) sorted[i++] = e;
  qsort(sorted, (size_t)kinds, sizeof *sorted, commoner);
  printf("%d lines, %d words, %d bytes, %d different words\n", lines, words, bytes, kinds);
  for (i = 0; i < 5 && i < kinds; i++) {
    printf("%-8s %3d %5.1f%%\n", sorted[i]->word, sorted[i]->count, 100.0 * sorted[i]->count / words);
  }
  return 0;
}
