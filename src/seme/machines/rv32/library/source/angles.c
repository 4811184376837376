/* Inverse trigonometric and hyperbolic functions. */
#include <math.h>

static const double HALF_PI = 0x1.921fb54442d18p0, HALF_PI_REST = 0x1.1a62633145c07p-54;

/* Of k / 8. */
static const double ARC[] = {
    0, 0.12435499454676144, 0.24497866312686415, 0.35877067027057225, 0.4636476090008061,
    0.5585993153435624, 0.6435011087932844, 0.7188299996216245, 0.7853981633974483,
};

double atan(double value) {
  double size = fabs(value);
  if (isnan(value)) return value;
  if (size > 1) return copysign(HALF_PI - (atan(1 / size) - HALF_PI_REST), value);
  int near = (int)(8 * size + 0.5);
  double of = near / 8.0, t = (size - of) / (1 + size * of), z = -t * t, rest = 0;
  /* The angle beyond that of k / 8, by its series: t is at most 1/16. */
  for (int k = 13; k >= 3; k -= 2) rest = (rest + 1.0 / k) * z;
  return copysign(ARC[near] + (t + t * rest), value);
}

double atan2(double y, double x) {
  if (isnan(x) || isnan(y)) return x + y;
  double a = fabs(y), b = fabs(x), angle;
  if (isinf(a) && isinf(b)) angle = ARC[8];
  else if (a == 0) angle = 0;
  else angle = b == 0 ? HALF_PI : atan(a / b);
  if (signbit(x)) angle = 2 * HALF_PI - (angle - 2 * HALF_PI_REST);
  return copysign(angle, y);
}

double asin(double value) { return fabs(value) > 1 ? NAN : atan2(value, sqrt((1 - value) * (1 + value))); }
double acos(double value) { return fabs(value) > 1 ? NAN : atan2(sqrt((1 - value) * (1 + value)), value); }

double sinh(double value) {
  double size = fabs(value), z = value * value, rest = 0;
  if (size < 0.5) {
    for (int k = 15; k >= 3; k -= 2) rest = (rest + 1) * z / (k * (k - 1));
    return value + value * rest;
  }
  double root = exp(size / 2), whole = exp(size);
  return copysign(size > 40 ? root / 2 * root : (whole - 1 / whole) / 2, value);
}

double cosh(double value) {
  double size = fabs(value), root = exp(size / 2), whole = exp(size);
  return size > 40 ? root / 2 * root : (whole + 1 / whole) / 2;
}

double tanh(double value) {
  double size = fabs(value);
  if (size < 0.5) return sinh(value) / cosh(value);
  return copysign(size > 20 ? 1 : 1 - 2 / (exp(2 * size) + 1), value);
}

float atanf(float value) { return (float)atan(value); }
float atan2f(float y, float x) { return (float)atan2(y, x); }
float asinf(float value) { return (float)asin(value); }
float acosf(float value) { return (float)acos(value); }
float sinhf(float value) { return (float)sinh(value); }
float coshf(float value) { return (float)cosh(value); }
float tanhf(float value) { return (float)tanh(value); }
