#include <stdio.h>
#include "stream.h"
#include "system.h"

static struct seme_file input = {0, EOF, 0, 0};
FILE *const stdin = &input;

int fgetc(FILE *file) {
  if (file->pushed != EOF) {
    int byte = file->pushed;
    file->pushed = EOF;
    return byte;
  }
  unsigned char in = 0;
  long got = system_call(SYSTEM_READ, file->number, &in, 1);
  if (got == 1) return in;
  if (got == 0) file->ended = 1;
  else file->failed = 1;
  return EOF;
}

int getc(FILE *file) { return fgetc(file); }
int getchar(void) { return fgetc(&input); }

int ungetc(int byte, FILE *file) {
  if (byte == EOF || file->pushed != EOF) return EOF;
  file->ended = 0;
  return file->pushed = (unsigned char)byte;
}

char *fgets(char *text, int size, FILE *file) {
  if (size < 1) return NULL;
  char *to = text;
  while (to < text + size - 1) {
    int byte = fgetc(file);
    if (byte == EOF) {
      if (to == text || file->failed) return NULL;
      break;
    }
    *to++ = (char)byte;
    if (byte == '\n') break;
  }
  *to = 0;
  return text;
}

size_t fread(void *data, size_t size, size_t count, FILE *file) {
  unsigned char *to = data;
  if (size == 0) return 0;
  for (size_t done = 0; done < count; done++) {
    for (size_t i = 0; i < size; i++) {
      int byte = fgetc(file);
      if (byte == EOF) return done;
      *to++ = (unsigned char)byte;
    }
  }
  return count;
}
