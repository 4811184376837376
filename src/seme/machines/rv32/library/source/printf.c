#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "format.h"

enum { LONGEST = 22 };  /* 64 bits in octal */
enum { LONG_DOUBLE = 3 };  /* as the size of a conversion */

void seme_put(sink *to, int byte) {
  to->total++;
  if (to->file) {
    fputc(byte, to->file);
  } else if (to->room) {
    *to->text++ = (char)byte;
    to->room--;
  }
}

void seme_put_many(sink *to, int byte, int count) {
  while (count-- > 0) seme_put(to, byte);
}

void seme_put_field(sink *to, const conversion *c, const char *prefix, int zeros, const char *body, int length) {
  int pad = c->width - (int)strlen(prefix) - zeros - length;
  if (!c->left) seme_put_many(to, ' ', pad);
  while (*prefix) seme_put(to, *prefix++);
  seme_put_many(to, '0', zeros);
  while (length-- > 0) seme_put(to, *body++);
  if (c->left) seme_put_many(to, ' ', pad);
}

/* Divides by a small number, half a word at a time, and gives the rest: the compiler's 64-bit division takes more room. */
static uint32_t divided(uint64_t *value, uint32_t by) {
  uint32_t rest = 0;
  uint64_t quotient = 0;
  for (int shift = 48; shift >= 0; shift -= 16) {
    uint32_t part = rest << 16 | (uint32_t)(*value >> shift & 0xffff);
    quotient = quotient << 16 | part / by;
    rest = part % by;
  }
  *value = quotient;
  return rest;
}

/* The digits of a number, written so that they end at `end`; none for zero. */
static char *digits(uint64_t value, uint32_t base, const char *alphabet, char *end) {
  while (value >> 32) *--end = alphabet[divided(&value, base)];
  for (uint32_t low = (uint32_t)value; low; low /= base) *--end = alphabet[low % base];
  return end;
}

static void put_integer(sink *to, const conversion *c, unsigned long long value, int negative) {
  char buffer[LONGEST], *end = buffer + LONGEST;
  unsigned base = 10;
  const char *prefix = "", *alphabet = "0123456789abcdef";
  if (c->letter == 'o') base = 8;
  if (c->letter == 'x' || c->letter == 'X' || c->letter == 'p') base = 16;
  if (c->letter == 'X') alphabet = "0123456789ABCDEF";
  if (c->letter == 'd') prefix = negative ? "-" : c->plus ? "+" : c->space ? " " : "";
  if (base == 16 && c->alternate && value) prefix = c->letter == 'X' ? "0X" : "0x";
  char *first = digits(value, base, alphabet, end);
  int length = (int)(end - first), wanted = c->precision < 0 ? 1 : c->precision;
  if (base == 8 && c->alternate && wanted <= length) wanted = length + 1;
  if (c->zero && !c->left && c->precision < 0) {
    int field = c->width - (int)strlen(prefix);
    if (field > wanted) wanted = field;
  }
  seme_put_field(to, c, prefix, wanted > length ? wanted - length : 0, first, length);
}

static long long take_integer(va_list *values, int size, int is_signed) {
  switch (size) {
    case 2: return va_arg(*values, long long);
    case -1: return is_signed ? (short)va_arg(*values, int) : (unsigned short)va_arg(*values, int);
    case -2: return is_signed ? (signed char)va_arg(*values, int) : (unsigned char)va_arg(*values, int);
    default: return is_signed ? va_arg(*values, int) : (long long)va_arg(*values, unsigned);
  }
}

static const char *read_number(const char *format, int *number, va_list *values) {
  *number = 0;
  if (*format == '*') {
    *number = va_arg(*values, int);
    return format + 1;
  }
  for (; *format >= '0' && *format <= '9'; format++) *number = *number * 10 + (*format - '0');
  return format;
}

static const char *read_conversion(const char *format, conversion *c, int *size, va_list *values) {
  memset(c, 0, sizeof *c);
  for (;; format++) {
    if (*format == '-') c->left = 1;
    else if (*format == '+') c->plus = 1;
    else if (*format == ' ') c->space = 1;
    else if (*format == '#') c->alternate = 1;
    else if (*format == '0') c->zero = 1;
    else break;
  }
  format = read_number(format, &c->width, values);
  if (c->width < 0) {
    c->left = 1;
    c->width = -c->width;
  }
  c->precision = -1;
  if (*format == '.') format = read_number(format + 1, &c->precision, values);
  *size = 0;
  for (;; format++) {
    if (*format == 'h') --*size;
    else if (*format == 'l') ++*size;
    else if (*format == 'j' || *format == 'q') *size = 2;
    else if (*format == 'L') *size = LONG_DOUBLE;
    else if (*format != 'z' && *format != 't') break;
  }
  c->letter = *format == 'i' ? 'd' : *format;
  return *format ? format + 1 : format;
}

static void put_text(sink *to, const conversion *c, const char *text) {
  if (!text) text = "(null)";
  size_t length = c->precision < 0 ? strlen(text) : strnlen(text, (size_t)c->precision);
  seme_put_field(to, c, "", 0, text, (int)length);
}

static void put_conversion(sink *to, conversion *c, int size, va_list *values) {
  char byte;
  long long number;
  switch (c->letter) {
    case 'd':
      number = take_integer(values, size, 1);
      put_integer(to, c, number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number, number < 0);
      return;
    case 'u': case 'x': case 'X': case 'o':
      put_integer(to, c, (unsigned long long)take_integer(values, size, 0), 0);
      return;
    case 'p':
      c->alternate = 1;
      number = (long long)(uintptr_t)va_arg(*values, void *);
      if (number) put_integer(to, c, (unsigned long long)number, 0);
      else put_text(to, c, "(nil)");
      return;
    case 'c':
      byte = (char)va_arg(*values, int);
      seme_put_field(to, c, "", 0, &byte, 1);
      return;
    case 's': put_text(to, c, va_arg(*values, const char *)); return;
    case 'n': *va_arg(*values, int *) = (int)to->total; return;
    case 'f': case 'F': case 'e': case 'E': case 'g': case 'G':
      if (!seme_put_real) __builtin_trap(); /* no double was given */
      seme_put_real(to, c, size == LONG_DOUBLE, values);
      return;
    default: seme_put(to, c->letter); return;
  }
}

static int format_all(sink *to, const char *format, va_list values) {
  va_list rest;
  va_copy(rest, values);
  while (*format) {
    if (*format != '%') {
      seme_put(to, *format++);
      continue;
    }
    conversion c;
    int size;
    format = read_conversion(format + 1, &c, &size, &rest);
    if (c.letter) put_conversion(to, &c, size, &rest);
  }
  va_end(rest);
  return to->total > INT_MAX ? -1 : (int)to->total;
}

int vfprintf(FILE *file, const char *format, va_list values) {
  sink to = {file, NULL, 0, 0};
  return format_all(&to, format, values);
}

int vsnprintf(char *text, size_t size, const char *format, va_list values) {
  sink to = {NULL, text, size ? size - 1 : 0, 0};
  int total = format_all(&to, format, values);
  if (size) *to.text = 0;
  return total;
}

int vprintf(const char *format, va_list values) { return vfprintf(stdout, format, values); }
int vsprintf(char *text, const char *format, va_list values) { return vsnprintf(text, INT_MAX, format, values); }

#define WITH_VALUES(call)       \
  va_list values;               \
  va_start(values, format);     \
  int total = call;             \
  va_end(values);               \
  return total

int printf(const char *format, ...) { WITH_VALUES(vfprintf(stdout, format, values)); }
int fprintf(FILE *file, const char *format, ...) { WITH_VALUES(vfprintf(file, format, values)); }
int sprintf(char *text, const char *format, ...) { WITH_VALUES(vsnprintf(text, INT_MAX, format, values)); }
int snprintf(char *text, size_t size, const char *format, ...) { WITH_VALUES(vsnprintf(text, size, format, values)); }
