/* A linear congruential generator of 64 bits; the upper bits are the good ones. */
#include <stdlib.h>

static unsigned long long state = 1;

void srand(unsigned seed) { state = seed; }

int rand(void) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (int)(state >> 33);
}
