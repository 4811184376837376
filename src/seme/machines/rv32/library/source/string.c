#include <string.h>
#include <stdlib.h>

void *memchr(const void *data, int byte, size_t size) {
  for (const unsigned char *at = data; size; size--, at++) {
    if (*at == (unsigned char)byte) return (void *)at;
  }
  return NULL;
}

size_t strlen(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t size) {
  size_t length = 0;
  while (length < size && text[length]) length++;
  return length;
}

char *stpcpy(char *restrict to, const char *restrict from) {
  while ((*to = *from++)) to++;
  return to;
}

char *strcpy(char *restrict to, const char *restrict from) {
  stpcpy(to, from);
  return to;
}

char *strncpy(char *restrict to, const char *restrict from, size_t size) {
  size_t i = 0;
  for (; i < size && from[i]; i++) to[i] = from[i];
  for (; i < size; i++) to[i] = 0;
  return to;
}

char *strcat(char *restrict to, const char *restrict from) {
  stpcpy(to + strlen(to), from);
  return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t size) {
  char *end = to + strlen(to);
  for (; size && *from; size--) *end++ = *from++;
  *end = 0;
  return to;
}

int strcmp(const char *left, const char *right) {
  for (; *left && *left == *right; left++, right++) continue;
  return (unsigned char)*left - (unsigned char)*right;
}

int strncmp(const char *left, const char *right, size_t size) {
  for (; size && *left && *left == *right; size--, left++, right++) continue;
  return size ? (unsigned char)*left - (unsigned char)*right : 0;
}

int strcoll(const char *left, const char *right) { return strcmp(left, right); }

char *strchr(const char *text, int byte) {
  for (; *text != (char)byte; text++) {
    if (!*text) return NULL;
  }
  return (char *)text;
}

char *strrchr(const char *text, int byte) {
  const char *found = NULL;
  for (;; text++) {
    if (*text == (char)byte) found = text;
    if (!*text) return (char *)found;
  }
}

char *strstr(const char *text, const char *part) {
  size_t length = strlen(part);
  for (;; text++) {
    if (strncmp(text, part, length) == 0) return (char *)text;
    if (!*text) return NULL;
  }
}

size_t strspn(const char *text, const char *set) {
  size_t length = 0;
  while (text[length] && strchr(set, text[length])) length++;
  return length;
}

size_t strcspn(const char *text, const char *set) {
  size_t length = 0;
  while (text[length] && !strchr(set, text[length])) length++;
  return length;
}

char *strpbrk(const char *text, const char *set) {
  text += strcspn(text, set);
  return *text ? (char *)text : NULL;
}

char *strtok_r(char *restrict text, const char *restrict set, char **restrict rest) {
  if (!text) text = *rest;
  text += strspn(text, set);
  char *end = text + strcspn(text, set);
  if (end == text) return *rest = end, NULL;
  *rest = *end ? end + 1 : end;
  if (*end) *end = 0;
  return text;
}

static char *strtok_rest = "";

char *strtok(char *restrict text, const char *restrict set) { return strtok_r(text, set, &strtok_rest); }

char *strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = malloc(size);
  return copy ? memcpy(copy, text, size) : NULL;
}

char *strerror(int number) {
  switch (number) {
    case 0: return "Success";
    case 12: return "Cannot allocate memory";
    case 22: return "Invalid argument";
    case 33: return "Numerical argument out of domain";
    case 34: return "Numerical result out of range";
    default: return "Unknown error";
  }
}
