/* Every conversion of printf. With STEP above 1 each format gets only some of the values. */
/* 999999.5 is left out: as %#g, a widespread C library prints "1.e+06", where the standard asks for "1.00000e+06". */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const integer_formats[] = {
    "%d", "%i", "%5d", "%-5d", "%05d", "%+d", "% d", "%.3d", "%8.3d", "%-8.3d", "%08.3d", "%.0d", "%x", "%X", "%#x", "%#X",
    "%#o", "%o", "%u", "%08x", "%#010x", "%-#10x", "%.5x", "%#.5o", "%hd", "%hhd", "%hu", "%hhu", "%hx", "%+5d", "%-+6d", "%#5.0x",
};
static const int integers[] = {0, 1, -1, 7, 42, -42, 99999, 255, 256, 65535, 65536, INT_MAX, INT_MIN};

static const char *const real_formats[] = {
    "%f", "%.0f", "%.1f", "%.2f", "%.3f", "%10.2f", "%-10.2f", "%010.2f", "%+.1f", "% .1f", "%#.0f", "%.15f", "%.40f",
    "%e", "%.0e", "%.3e", "%E", "%.17e", "%12.4e", "%#.0e", "%g", "%.3g", "%G", "%#g", "%.17g", "%.0g", "%10.3g", "%.30g",
};
static double reals[] = {
    0.0, 1.0, -1.0, 0.5, 1.5, 2.5, 0.125, 0.375, 0.1, 0.2, 0.3, 1.005, 9.995, 99.95, 0.05, 999998.5, 1234567.0, 9999995.0,
    123456789.0, 1e10, 1e15, 1e16, 1e17, 1e21, 1e22, 1e23, 1e-4, 1e-5, 0.00012345, 1.7976931348623157e308, 2.2250738585072014e-308,
    5e-324, 4.9406564584124654e-320, 3.141592653589793, -2.718281828459045, 1e100, 1e-100, 4503599627370496.5, 9007199254740993.0,
    0.999999, 0.9999999, 9.5, 10.5, 0.045, 1e9, 999999999.5, 4294967295.0, 4294967296.0, 18446744073709551616.0,
};

int main(void) {
  char text[512];
  for (size_t f = 0; f < sizeof integer_formats / sizeof *integer_formats; f++) {
    for (size_t i = f % STEP; i < sizeof integers / sizeof *integers; i += STEP) {
      printf("[");
      printf(integer_formats[f], integers[i]);
      printf("] ");
    }
    printf("%s\n", integer_formats[f]);
  }
  for (size_t f = 0; f < sizeof real_formats / sizeof *real_formats; f++) {
    for (size_t i = f % STEP; i < sizeof reals / sizeof *reals; i += STEP) {
      int length = snprintf(text, sizeof text, real_formats[f], reals[i]);
      printf("%d[%s] ", length, text);
    }
    printf("%s\n", real_formats[f]);
  }
  printf("%f %F %5.1f|%-6f|%06f|%+f %e %g\n", INFINITY, -INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, -INFINITY, INFINITY);
  printf("%.0f %g %e\n", -0.0, -0.0, -0.0);
  printf("%lld %llu %llx %lld %lld\n", LLONG_MIN, ULLONG_MAX, 0x123456789abcdefULL, 1234567890123456789LL, -5000000000LL);
  printf("%zu %zd %jd %td\n", sizeof(int), (ptrdiff_t)-1, (intmax_t)-7, (ptrdiff_t)9);
  printf("%" PRId64 " %" PRIu32 " %" PRIx64 " %" PRId8 "\n", INT64_MIN, UINT32_MAX, UINT64_MAX, (int8_t)-3);
  printf("[%s] [%10s] [%-10s] [%.2s] [%8.3s] [%c] [%3c] [%-3c] [%%]\n", "text", "text", "text", "text", "text", 'a', 'b', 'c');
  printf("[%*d] [%-*d] [%.*f] [%*.*f] [%*d]\n", 6, 42, 6, 42, 2, 3.14159, 9, 3, 2.71828, -6, 7);
  printf("%p %p\n", (void *)0x1234, (void *)0xabcdef);
  printf("%d of %s\n", snprintf(text, 5, "too long a text: %d", 12345), text);
  printf("%d %d\n", snprintf(NULL, 0, "%s-%d", "abc", 42), sprintf(text, "%c%c", 'o', 'k'));
  volatile long double third = 1, long_reals[] = {0, -2.5, 1e300, 5e-324, 3e-320, 1.7e308, INFINITY, 9007199254740993.0};
  third /= 3;
  printf("%Lf %Lg|%12.3Lf %d\n", third, third, -third, 5);
  for (size_t i = 0; i < sizeof long_reals / sizeof *long_reals; i++) printf("%Lg %.9Le %d\n", long_reals[i], long_reals[i], (int)i);
  int count;
  printf("abc%n", &count);
  printf(" %d\n", count);
  fputs("end", stdout);
  fputc('!', stdout);
  putchar('\n');
  fwrite("bytes\n", 1, 6, stdout);
  return 0;
}
