#include <time.h>

time_t time(time_t *to) {
  if (to) *to = -1;
  return -1;
}

clock_t clock(void) { return -1; }
