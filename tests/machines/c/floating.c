/* Software floating point: results to the last bit, over drawn and special numbers. STEP makes it shorter. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static uint64_t draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static double as_double(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float as_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void add_bits(uint64_t *sum, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  /* The sign and payload of a NaN are nobody's promise. */
  *sum = *sum * 1099511628211u + (value != value ? 1 : bits);
}

static const uint64_t special[] = {
    0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x3ff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff, 0x4000000000000000,
    0x41dfffffffc00000, 0x41e0000000000000, 0x43e0000000000000, 0x4340000000000001, 0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff8000000000000,
};
enum { SPECIAL = sizeof special / sizeof *special };

static uint64_t pick(int round) {
  if (round % 4 == 0) return special[draw() % SPECIAL] | (draw() & 1) << 63;
  uint64_t bits = draw();
  /* Mostly exponents near each other, where sums round and cancel. */
  return round % 4 == 1 ? bits : (bits & 0x800fffffffffffff) | (1013 + draw() % 20) << 52;
}

int main(void) {
  for (int block = 0; block < 8; block++) {
    uint64_t sums[7] = {0};
    for (int round = 0; round < 400 / STEP; round++) {
      volatile double a = as_double(pick(round)), b = as_double(pick(round / 2));
      volatile float f = (float)a, g = as_float((uint32_t)(draw() >> 20));
      add_bits(&sums[0], a + b);
      add_bits(&sums[1], a - b);
      add_bits(&sums[2], a * b);
      add_bits(&sums[3], a / b);
      add_bits(&sums[4], sqrt(fabs(a)));
      add_bits(&sums[5], f + g);
      add_bits(&sums[5], f * g);
      add_bits(&sums[5], f / g);
      sums[6] = sums[6] * 31 + (a < b) + 2 * (a == b) + 4 * (a <= b) + 8 * (f > g);
      if (fabs(a) < 1e9) sums[6] = sums[6] * 31 + (uint64_t)(int64_t)(a * 1e9) + (uint64_t)(int)a;
      add_bits(&sums[6], (double)(int64_t)draw());
      add_bits(&sums[6], (float)(uint32_t)draw());
    }
    for (int i = 0; i < 7; i++) printf("%016llx ", (unsigned long long)sums[i]);
    printf("\n");
  }
  return 0;
}
