/* Division of doubles and floats, rounded to nearest as IEEE 754 asks. The compiler's run-time library has both, but cuts
   off results that are too small for a full mantissa where they should be rounded (seen in ziglang 0.17.0). */
#include <stdint.h>
#include <string.h>

typedef struct {
  int bits;     /* of a mantissa, the leading one included */
  int bias;     /* the exponent of 1 */
  int special;  /* the exponent of infinity and of what is no number */
} format;

static const format DOUBLE = {53, 1023, 2047}, FLOAT = {24, 127, 255};

/* Gives the mantissa with its leading one in place; *exponent counts on below 1 for the smallest numbers. */
static uint64_t split(uint64_t magnitude, int bits, int *exponent) {
  uint64_t mantissa = magnitude & (((uint64_t)1 << (bits - 1)) - 1);
  *exponent = (int)(magnitude >> (bits - 1));
  if (*exponent) return mantissa | (uint64_t)1 << (bits - 1);
  for (*exponent = 1; !(mantissa >> (bits - 1)); --*exponent) mantissa <<= 1;
  return mantissa;
}

/* The bits of a / b for numbers that are finite and not zero, signs aside. */
static uint64_t quotient_of(uint64_t a, uint64_t b, format f) {
  int top, bottom;
  uint64_t rest = split(a, f.bits, &top), divisor = split(b, f.bits, &bottom), quotient = 0;
  int exponent = top - bottom + f.bias;
  if (rest < divisor) {
    rest <<= 1;
    exponent--;
  }
  if (exponent >= f.special) return (uint64_t)f.special << (f.bits - 1);
  /* A quotient between 1 and 2, to so many bits; fewer than all where the exponent is the least there is. */
  int wanted = exponent > 0 ? f.bits : f.bits - 1 + exponent;
  if (wanted < 0) return 0;
  for (int bit = wanted; bit > 0; bit--) {
    quotient <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
    rest <<= 1;
  }
  /* The rest was doubled once more: a whole divisor is one half. Rounding up may carry into the exponent. */
  if (rest > divisor || (rest == divisor && (quotient & 1))) quotient++;
  return exponent > 0 ? ((uint64_t)(exponent - 1) << (f.bits - 1)) + quotient : quotient;
}

static uint64_t divide(uint64_t x, uint64_t y, format f) {
  uint64_t infinity = (uint64_t)f.special << (f.bits - 1), sign = infinity + ((uint64_t)1 << (f.bits - 1));
  uint64_t negative = (x ^ y) & sign, quiet = infinity | (uint64_t)1 << (f.bits - 2);
  x &= sign - 1;
  y &= sign - 1;
  if (x > infinity || y > infinity || (x == infinity && y == infinity) || (!x && !y)) return quiet;
  if (x == infinity || !y) return negative | infinity;
  if (y == infinity || !x) return negative;
  return negative | quotient_of(x, y, f);
}

double __divdf3(double a, double b) {
  uint64_t x, y;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &b, sizeof y);
  x = divide(x, y, DOUBLE);
  memcpy(&a, &x, sizeof a);
  return a;
}

float __divsf3(float a, float b) {
  uint32_t x, y;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &b, sizeof y);
  x = (uint32_t)divide(x, y, FLOAT);
  memcpy(&a, &x, sizeof a);
  return a;
}
