/* What the parts of printf share: where the text goes, and what stands between % and the letter. */
#ifndef SEME_FORMAT_H
#define SEME_FORMAT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
  FILE *file;    /* or NULL: into memory */
  char *text;
  size_t room;   /* bytes of memory that may still be written, the closing zero not counted */
  size_t total;  /* bytes produced, whether or not there was room */
} sink;

typedef struct {
  unsigned char left, plus, space, alternate, zero;
  char letter;
  int width;
  int precision;  /* -1: not given */
} conversion;

void seme_put(sink *to, int byte);
void seme_put_many(sink *to, int byte, int count);

/* Prefix, then `zeros` zeros, then the body, set in the field's width. */
void seme_put_field(sink *to, const conversion *c, const char *prefix, int zeros, const char *body, int length);

/* Puts out the next value, a double or a long double. Most of what printf needs; it is linked where a program gives a
   function of any number of arguments a double, as toolchain.py sees, and is null otherwise. */
__attribute__((weak)) void seme_put_real(sink *to, const conversion *c, int is_long, va_list *values);

#endif
