/* Powers and roots. A power is worked out in pairs of doubles whose sum has some 100 bits, and rounded at the end. */
#include <math.h>

typedef struct { double high, low; } pair;

static const pair LN2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}, THIRD = {0x1.5555555555555p-2, 0x1.5555555555555p-56};

enum { MULTIPLIED = 1024 };  /* whole exponents up to this are multiplied out: what can be exact then is */

/* a + b, where a is the larger. */
static pair sum(double a, double b) {
  double high = a + b;
  return (pair){high, b - (high - a)};
}

static pair sum_of(double a, double b) { return fabs(a) < fabs(b) ? sum(b, a) : sum(a, b); }

/* A double is two numbers of 26 bits, whose products are exact. */
static pair halves(double a) {
  double scaled = a * 0x8000001p0, high = scaled - (scaled - a);
  return (pair){high, a - high};
}

static pair product(double a, double b) {
  pair x = halves(a), y = halves(b);
  double high = a * b;
  return (pair){high, x.high * y.high - high + x.high * y.low + x.low * y.high + x.low * y.low};
}

static pair add(pair a, pair b) {
  pair high = sum_of(a.high, b.high);
  return sum(high.high, high.low + a.low + b.low);
}

static pair multiply(pair a, pair b) {
  pair high = product(a.high, b.high);
  return sum(high.high, high.low + a.high * b.low + a.low * b.high);
}

static pair quotient(pair a, pair b) {
  double high = a.high / b.high;
  pair back = product(high, b.high);
  return sum(high, (a.high - back.high - back.low + a.low - high * b.low) / b.high);
}

/* The logarithm of a mantissa between the roots of 1/2 and of 2: 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1). */
static pair logarithm(double mantissa) {
  pair s = quotient((pair){mantissa - 1, 0}, sum_of(mantissa, 1)), square = multiply(s, s);
  double z = square.high, rest = 0;
  for (int k = 31; k >= 5; k -= 2) rest = rest * z + 1.0 / k;
  pair cube = multiply(multiply(s, square), THIRD);
  pair found = add(s, add(cube, (pair){s.high * z * z * rest, 0}));
  return (pair){2 * found.high, 2 * found.low};
}

/* mantissa^n 2^(exponent n) for a whole n. */
static double multiplied(double mantissa, int exponent, int n) {
  pair factor = {mantissa, 0}, result = {1, 0};
  int left = n < 0 ? -n : n;
  for (;;) {
    if (left & 1) result = multiply(result, factor);
    if (!(left >>= 1)) break;
    factor = multiply(factor, factor);
  }
  if (n < 0) result = quotient((pair){1, 0}, result);
  return ldexp(result.high, exponent * n);
}

static double exponential(pair of) {
  if (of.high > 720) return HUGE_VAL;
  if (of.high < -760) return 0;
  double whole = rint(of.high / LN2.high);
  pair less = product(-whole, LN2.high);
  less.low -= whole * LN2.low;
  pair rest = add(of, less);
  double result = exp(rest.high);
  return ldexp(result + result * rest.low, (int)whole);
}

static double positive_power(double base, double to, int is_whole) {
  int exponent;
  double mantissa = frexp(base, &exponent);
  if (mantissa < 0x1.6a09e667f3bcdp-1) {
    mantissa *= 2;
    exponent--;
  }
  if (is_whole && fabs(to) <= MULTIPLIED) return multiplied(mantissa, exponent, (int)to);
  pair found = add(multiply((pair){exponent, 0}, LN2), logarithm(mantissa));
  /* Beyond this the result is 0, 1 or infinite, and products of halves would overflow. */
  if (fabs(to) > 0x1p70) to = copysign(0x1p70, to);
  return exponential(multiply(found, (pair){to, 0}));
}

double pow(double base, double to) {
  if (to == 0 || base == 1) return 1;
  if (isnan(base) || isnan(to)) return base + to;
  int is_whole = isinf(to) || to == trunc(to), is_odd = is_whole && !isinf(to) && fmod(to, 2) != 0;
  double size = fabs(base), result;
  if (base < 0 && !is_whole && !isinf(base)) return NAN;
  if (isinf(to)) return size == 1 ? 1 : (size > 1) == (to > 0) ? HUGE_VAL : 0;
  if (size == 0 || isinf(size)) result = (size == 0) == (to > 0) ? 0 : HUGE_VAL;
  else if (size == 1) result = 1;
  else result = positive_power(size, to, is_whole);
  return is_odd ? copysign(result, base) : result;
}

double cbrt(double value) {
  int exponent;
  double size = frexp(fabs(value), &exponent);
  if (value == 0 || !isfinite(value)) return value;
  for (; exponent % 3; exponent++) size /= 2;
  double root = 0.25 + 0.75 * size;
  for (int i = 0; i < 7; i++) root -= (root - size / (root * root)) / 3;
  pair cube = multiply(product(root, root), (pair){root, 0});
  root -= (cube.high - size + cube.low) / (3 * root * root);
  return copysign(ldexp(root, exponent / 3), value);
}

double hypot(double a, double b) {
  if (isinf(a) || isinf(b)) return HUGE_VAL;
  int exponent;
  frexp(fmax(fabs(a), fabs(b)), &exponent);
  a = ldexp(a, -exponent);
  b = ldexp(b, -exponent);
  return ldexp(sqrt(a * a + b * b), exponent);
}

float powf(float base, float to) { return (float)pow(base, to); }
float cbrtf(float value) { return (float)cbrt(value); }
float hypotf(float a, float b) { return (float)hypot(a, b); }
