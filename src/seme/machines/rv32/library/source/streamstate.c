#include <stdio.h>
#include "stream.h"

int feof(FILE *file) { return file->ended; }
int ferror(FILE *file) { return file->failed; }
void clearerr(FILE *file) { file->ended = file->failed = 0; }
