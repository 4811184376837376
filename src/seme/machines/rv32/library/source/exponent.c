/* Doubles taken apart: mantissa and exponent, integer and fraction; rounding to integers. */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { BIAS = 1022, SPECIAL = 2047 };  /* of a mantissa between 1/2 and 1 */

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static double with_exponent(double value, int exponent) {
  uint64_t bits = (bits_of(value) & ~((uint64_t)SPECIAL << 52)) | (uint64_t)(unsigned)(exponent + BIAS) << 52;
  memcpy(&value, &bits, sizeof value);
  return value;
}

double frexp(double value, int *exponent) {
  int found = (int)(bits_of(value) >> 52 & SPECIAL);
  *exponent = 0;
  if (value == 0 || found == SPECIAL) return value;
  if (!found) {
    value = frexp(value * 0x1p64, exponent);
    *exponent -= 64;
    return value;
  }
  *exponent = found - BIAS;
  return with_exponent(value, 0);
}

double ldexp(double value, int exponent) {
  int own;
  double mantissa = frexp(value, &own);
  if (value == 0 || !isfinite(value)) return value;
  if (exponent > 3000) exponent = 3000;
  if (exponent < -3000) exponent = -3000;
  own += exponent;
  if (own > SPECIAL - 1 - BIAS) return mantissa * HUGE_VAL;
  if (own > -BIAS) return with_exponent(mantissa, own);
  /* Below the smallest normal number: rounded once, by the multiplication. */
  return own > -BIAS - 60 ? with_exponent(mantissa, own + 64) * 0x1p-64 : mantissa * 0x1p-1074 * 0x1p-1074;
}

double scalbn(double value, int exponent) { return ldexp(value, exponent); }

double modf(double value, double *integer) {
  *integer = trunc(value);
  return copysign(isinf(value) ? 0 : value - *integer, value);
}

/* To the nearest, halves to even: a sum with 2^52 has no room for a fraction. */
double rint(double value) {
  double size = fabs(value);
  return size < 0x1p52 ? copysign(size + 0x1p52 - 0x1p52, value) : value;
}

double nearbyint(double value) { return rint(value); }
long lround(double value) { return (long)round(value); }
long long llround(double value) { return (long long)round(value); }
long lrint(double value) { return (long)rint(value); }
long long llrint(double value) { return (long long)rint(value); }

double copysign(double size, double sign) {
  uint64_t top = (uint64_t)1 << 63, bits = (bits_of(size) & ~top) | (bits_of(sign) & top);
  memcpy(&size, &bits, sizeof size);
  return size;
}

double fdim(double a, double b) { return isnan(a) || isnan(b) ? a + b : a > b ? a - b : 0; }
