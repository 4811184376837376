#include <stdio.h>
#include <string.h>
#include "stream.h"
#include "system.h"

static struct seme_file output = {1, EOF, 0, 0}, errors = {2, EOF, 0, 0};
FILE *const stdout = &output;
FILE *const stderr = &errors;

int fputc(int byte, FILE *file) {
  unsigned char out = (unsigned char)byte;
  if (system_call(SYSTEM_WRITE, file->number, &out, 1) == 1) return out;
  file->failed = 1;
  return EOF;
}

int putc(int byte, FILE *file) { return fputc(byte, file); }
int putchar(int byte) { return fputc(byte, &output); }

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
  const unsigned char *from = data;
  if (size == 0) return 0;
  for (size_t done = 0; done < count; done++) {
    for (size_t i = 0; i < size; i++) {
      if (fputc(*from++, file) == EOF) return done;
    }
  }
  return count;
}

int fputs(const char *text, FILE *file) {
  for (; *text; text++) {
    if (fputc(*text, file) == EOF) return EOF;
  }
  return 0;
}

int fflush(FILE *file) {
  (void)file;
  return 0;
}

int setvbuf(FILE *file, char *buffer, int mode, size_t size) {
  (void)file, (void)buffer, (void)mode, (void)size;
  return 0;
}
