#include <errno.h>
#include <stdio.h>
#include <string.h>

void perror(const char *text) {
  if (text && *text) fprintf(stderr, "%s: ", text);
  fprintf(stderr, "%s\n", strerror(errno));
}
