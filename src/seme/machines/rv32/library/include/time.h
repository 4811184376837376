#ifndef SEME_TIME_H
#define SEME_TIME_H

#include <stddef.h>

/* The machine has no clock, so both give -1, as C asks then. */
typedef long long time_t;
typedef long clock_t;
#define CLOCKS_PER_SEC 1000000

time_t time(time_t *to);
clock_t clock(void);

#endif
