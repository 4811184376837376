/* A stream is a file number and the state of its end; nothing is buffered beyond one byte pushed back. */
#ifndef SEME_STREAM_H
#define SEME_STREAM_H

#include <stdio.h>

struct seme_file {
  int number;
  int pushed;  /* a byte given back by ungetc, or EOF */
  unsigned char ended, failed;
};

#endif
