/* A brainfuck interpreter. The program is read from standard input up to `!`; what follows is its own input, and then
   zeros. */
#include <stdio.h>
#include <stdlib.h>

enum { PROGRAM = 4000, TAPE = 30000, NESTING = 100 };
static char program[PROGRAM];
static int match[PROGRAM], open[NESTING];
static unsigned char tape[TAPE];

static int read_program(void) {
  int length = 0, depth = 0;
  for (int byte; (byte = getchar()) != EOF && byte != '!';) {
    if (length == PROGRAM || depth == NESTING) return -1;
    if (byte == '[') open[depth++] = length;
    if (byte == ']') {
      if (depth == 0) return -1;
      match[length] = open[--depth];
      match[match[length]] = length;
    }
    program[length++] = (char)byte;
  }
  return depth ? -1 : length;
}

int main(void) {
  int length = read_program(), cell = 0, byte;
  if (length < 0) {
    puts("brackets do not match, or the program is too long");
    return 2;
  }
  for (int at = 0; at < length; at++) {
    switch (program[at]) {
      case '>': cell = (cell + 1) % TAPE; break;
      case '<': cell = (cell + TAPE - 1) % TAPE; break;
      case '+': tape[cell]++; break;
      case '-': tape[cell]--; break;
      case '.': putchar(tape[cell]); break;
      case ',': byte = getchar(), tape[cell] = (unsigned char)(byte == EOF ? 0 : byte); break;
      case '[': if (!tape[cell]) at = match[at]; break;
      case ']': if (tape[cell]) at = match[at]; break;
      default: break;
    }
  }
  return 0;
}
