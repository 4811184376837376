#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  LONGEST = 400,  /* characters of one number; the rest is left unread */
  SET = 256 / 8,
};

typedef struct {
  FILE *file;        /* or NULL: from memory */
  const char *text;
  int read;
} source;

static int next(source *from) {
  int byte = from->file ? fgetc(from->file) : *from->text ? (unsigned char)*from->text++ : EOF;
  if (byte != EOF) from->read++;
  return byte;
}

static void give_back(source *from, int byte) {
  if (byte == EOF) return;
  from->read--;
  if (from->file) ungetc(byte, from->file);
  else from->text--;
}

static int skip_space(source *from) {
  int byte = next(from);
  while (byte != EOF && isspace(byte)) byte = next(from);
  give_back(from, byte);
  return byte;
}

static int fits_number(int letter, int byte, const char *before, int length) {
  int first = length == 0, last = first ? 0 : before[length - 1] | 32;
  if (byte == '-' || byte == '+') return first || (letter == 'f' && last == 'e');
  if (letter == 'f') return isdigit(byte) || byte == '.' || (byte | 32) == 'e';
  if (letter == 'd' || letter == 'u') return isdigit(byte);
  if (letter == 'o') return byte >= '0' && byte <= '7';
  return isxdigit(byte) || ((byte | 32) == 'x' && last == '0');
}

static int take_number(source *from, int letter, int width, char *buffer) {
  int length = 0, byte;
  while ((byte = next(from)) != EOF && length < width && fits_number(letter, byte, buffer, length)) {
    buffer[length++] = (char)byte;
  }
  give_back(from, byte);
  buffer[length] = 0;
  return length;
}

static void store_integer(void *to, int size, long long value) {
  if (size >= 2) *(long long *)to = value;
  else if (size == -1) *(short *)to = (short)value;
  else if (size <= -2) *(signed char *)to = (signed char)value;
  else *(int *)to = (int)value;
}

static int convert_number(source *from, int letter, int width, int size, void *to) {
  char buffer[LONGEST + 1], *end;
  if (letter == 'e' || letter == 'g') letter = 'f';
  if (take_number(from, letter, width < LONGEST ? width : LONGEST, buffer) == 0) return 0;
  if (letter == 'f') {
    double value = strtod(buffer, &end);
    if (end == buffer) return 0;
    if (to && size) *(double *)to = value;
    else if (to) *(float *)to = (float)value;
    return 1;
  }
  int base = letter == 'i' ? 0 : letter == 'x' || letter == 'p' ? 16 : letter == 'o' ? 8 : 10;
  int is_signed = letter == 'd' || letter == 'i';
  long long value = is_signed ? strtoll(buffer, &end, base) : (long long)strtoull(buffer, &end, base);
  if (end == buffer) return 0;
  if (to) store_integer(to, size, value);
  return 1;
}

/* The bytes between [ and ], one bit each; gives where the format goes on. */
static const char *read_set(const char *format, unsigned char *set) {
  int others = *format == '^';
  format += others;
  memset(set, others ? 255 : 0, SET);
  for (const char *first = format; *format && (*format != ']' || format == first); format++) {
    unsigned char from = (unsigned char)*format, to = from;
    if (format[1] == '-' && format[2] && format[2] != ']') to = (unsigned char)*(format += 2);
    for (int byte = from; byte <= to; byte++) {
      if (others) set[byte / 8] &= (unsigned char)~(1 << byte % 8);
      else set[byte / 8] |= (unsigned char)(1 << byte % 8);
    }
  }
  return *format ? format + 1 : format;
}

static int ends_text(int letter, int byte, const unsigned char *set) {
  if (letter == '[') return !(set[byte / 8] >> byte % 8 & 1);
  return letter == 's' && isspace(byte);
}

static int convert_text(source *from, int letter, int width, const unsigned char *set, char *to) {
  int length = 0, byte = 0;
  while (length < width && (byte = next(from)) != EOF) {
    if (ends_text(letter, byte, set)) {
      give_back(from, byte);
      break;
    }
    if (to) to[length] = (char)byte;
    length++;
  }
  if (letter == 'c') return length == width;
  if (to) to[length] = 0;
  return length > 0;
}

static int convert(source *from, const char **format, va_list *values, int *assigned) {
  int quiet = **format == '*', width = 0, size = 0;
  *format += quiet;
  while (isdigit((unsigned char)**format)) width = width * 10 + (*(*format)++ - '0');
  for (;; ++*format) {
    if (**format == 'h') size--;
    else if (**format == 'l') size++;
    else if (**format == 'j') size = 2;
    else if (**format != 'z' && **format != 't') break;
  }
  int letter = *(*format)++;
  if (letter == 'n') {
    *va_arg(*values, int *) = from->read;
    return 1;
  }
  unsigned char set[SET];
  if (letter == '[') *format = read_set(*format, set);
  else if (letter != 'c' && skip_space(from) == EOF) return EOF;
  if (letter == '%') return next(from) == '%';
  void *to = quiet ? NULL : va_arg(*values, void *);
  if (letter == 'c' && !width) width = 1;
  if (letter == 'c' || letter == '[') {
    int byte = next(from);
    if (byte == EOF) return EOF;
    give_back(from, byte);
  }
  int limit = width ? width : 0x7fffffff;
  int good = letter == 'c' || letter == 's' || letter == '['
                 ? convert_text(from, letter, limit, set, to)
                 : convert_number(from, letter | (letter == 'X' ? 32 : 0), limit, size, to);
  if (good && !quiet) ++*assigned;
  return good;
}

static int scan(source from, const char *format, va_list values) {
  va_list rest;
  va_copy(rest, values);
  int assigned = 0, good = 1;
  while (*format && good > 0) {
    if (isspace((unsigned char)*format)) {
      skip_space(&from);
      format++;
      continue;
    }
    if (*format == '%') {
      format++;
      good = convert(&from, &format, &rest, &assigned);
    } else {
      int byte = next(&from);
      good = byte == EOF ? EOF : byte == (unsigned char)*format++;
      if (good == 0) give_back(&from, byte);
    }
  }
  va_end(rest);
  return assigned || good != EOF ? assigned : EOF;
}

int vfscanf(FILE *file, const char *format, va_list values) {
  return scan((source){.file = file}, format, values);
}

int vsscanf(const char *text, const char *format, va_list values) {
  return scan((source){.text = text}, format, values);
}

int scanf(const char *format, ...) {
  va_list values;
  va_start(values, format);
  int assigned = vfscanf(stdin, format, values);
  va_end(values);
  return assigned;
}

int fscanf(FILE *file, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int assigned = vfscanf(file, format, values);
  va_end(values);
  return assigned;
}

int sscanf(const char *text, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int assigned = vsscanf(text, format, values);
  va_end(values);
  return assigned;
}
