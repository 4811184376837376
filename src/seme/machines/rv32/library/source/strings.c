#include <ctype.h>
#include <stdint.h>
#include <strings.h>

int strncasecmp(const char *left, const char *right, size_t size) {
  for (; size; size--, left++, right++) {
    int a = tolower((unsigned char)*left), b = tolower((unsigned char)*right);
    if (a != b || !a) return a - b;
  }
  return 0;
}

int strcasecmp(const char *left, const char *right) { return strncasecmp(left, right, SIZE_MAX); }
