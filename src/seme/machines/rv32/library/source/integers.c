#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static int digit_of(int byte) {
  if (isdigit(byte)) return byte - '0';
  if (isalpha(byte)) return tolower(byte) - 'a' + 10;
  return INT_MAX;
}

/* The magnitude of a number, at most `limit`, or one more where a minus sign allows it; else *overflow is set. */
static unsigned long long magnitude(const char *text, char **end, int base, unsigned long long limit,
                                    int more_if_negative, int *negative, int *overflow) {
  const char *at = text;
  while (isspace((unsigned char)*at)) at++;
  *negative = *at == '-';
  if (*at == '-' || *at == '+') at++;
  if ((base == 0 || base == 16) && at[0] == '0' && (at[1] | 32) == 'x' && digit_of((unsigned char)at[2]) < 16) {
    at += 2;
    base = 16;
  }
  if (base == 0) base = *at == '0' ? 8 : 10;
  if (*negative) limit += (unsigned long long)more_if_negative;
  const char *first = at;
  unsigned long long value = 0;
  *overflow = 0;
  for (int digit; (digit = digit_of((unsigned char)*at)) < base; at++) {
    if (value > (limit - (unsigned)digit) / (unsigned)base) *overflow = 1;
    value = value * (unsigned)base + (unsigned)digit;
  }
  if (end) *end = (char *)(at == first ? text : at);
  if (*overflow) {
    errno = ERANGE;
    return limit;
  }
  return value;
}

long long strtoll(const char *text, char **end, int base) {
  int negative, overflow;
  unsigned long long value = magnitude(text, end, base, LLONG_MAX, 1, &negative, &overflow);
  return (long long)(negative ? -value : value);
}

long strtol(const char *text, char **end, int base) {
  int negative, overflow;
  unsigned long value = (unsigned long)magnitude(text, end, base, LONG_MAX, 1, &negative, &overflow);
  return (long)(negative ? -value : value);
}

unsigned long long strtoull(const char *text, char **end, int base) {
  int negative, overflow;
  unsigned long long value = magnitude(text, end, base, ULLONG_MAX, 0, &negative, &overflow);
  return negative && !overflow ? -value : value;
}

unsigned long strtoul(const char *text, char **end, int base) {
  int negative, overflow;
  unsigned long value = (unsigned long)magnitude(text, end, base, ULONG_MAX, 0, &negative, &overflow);
  return negative && !overflow ? -value : value;
}

int atoi(const char *text) { return (int)strtol(text, NULL, 10); }
long atol(const char *text) { return strtol(text, NULL, 10); }
long long atoll(const char *text) { return strtoll(text, NULL, 10); }
