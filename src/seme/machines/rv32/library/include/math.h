#ifndef SEME_MATH_H
#define SEME_MATH_H

#define M_PI 3.14159265358979323846
#define M_E 2.7182818284590452354
#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()
#define HUGE_VAL __builtin_inf()
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
#define signbit(x) __builtin_signbit(x)

double fabs(double x);
double floor(double x);
double ceil(double x);
double trunc(double x);
double round(double x);
double sqrt(double x);
double fmod(double x, double y);
double exp(double x);
double log(double x);
double log2(double x);
double log10(double x);
double sin(double x);
double cos(double x);
double tan(double x);
double fmin(double x, double y);
double fmax(double x, double y);
float fabsf(float x);
float floorf(float x);
float ceilf(float x);
float sqrtf(float x);
float sinf(float x);
float cosf(float x);
float expf(float x);
float logf(float x);

#endif
