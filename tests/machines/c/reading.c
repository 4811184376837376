/* scanf, strtod, strtol and their kin. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const reals[] = {
    "0", "1", "-1.5", ".5", "5.", "1e3", "1E-3", "+2.5e+2", "0.1", "123456789012345678901234567890", "1e308", "1.7976931348623157e308",
    "1.7976931348623159e308", "2e308", "1e-308", "2.2250738585072014e-308", "4.9e-324", "2.4703282292062327e-324",
    "2.4703282292062328e-324", "1e-400", "1e400", "9007199254740993", "9007199254740992.999999", "9007199254740993.00000000001", "x", "-", ".", "1e",
    "1e+", "12abc", "  7", "0.000000000000000000000000000000000001234", "8.5e-5", "3.141592653589793238462643383279",
    "1.00000000000000011102230246251565404236316680908203125", "1.00000000000000011102230246251565404236316680908203124",
    "1.00000000000000011102230246251565404236316680908203126", "0e999", "100000000000000000000000000000e-29", "1e22", "1e23",
};
static const char *const integers[] = {"0", "12", "-12", "+7", "0x1F", "0x", "077", "08", "99999999999", "-99999999999", "zz", "", "  42 ", "7fffffff", "2147483647", "2147483648", "-2147483648"};

int main(void) {
  char line[32], word[16], rest[16];
  char *end;
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
    double value = strtod(reals[i], &end);
    unsigned long long bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%s %016llx %d\n", reals[i], bits, (int)(end - reals[i]));
  }
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
    for (int base = 0; base <= 36; base += base ? 26 : 10) {
      errno = 0;
      long long value = strtoll(integers[i], &end, base);
      printf("%s %d: %lld %d", integers[i], base, value, (int)(end - integers[i]));
      printf(" %llu %d\n", strtoull(integers[i], NULL, base), errno);
    }
    /* Not for numbers that fit in the long of only one of the two machines. */
    if (strlen(integers[i]) < 8) printf("%d %ld\n", atoi(integers[i]), strtol(integers[i], NULL, 16));
  }
  int a = 0, b = 0, n = 0;
  unsigned c = 0;
  long long d = 0;
  double x = 0;
  float y = 0;
  char letter = 0;
  int got = scanf("%d %i %x , %lld", &a, &b, &c, &d);
  printf("%d: %d %d %u %lld\n", got, a, b, c, d);
  got = scanf("%lf%f %s %c%n", &x, &y, word, &letter, &n);
  printf("%d: %.10f %.5f %s %c %d\n", got, x, y, word, letter, n);
  got = scanf("%*d %3s%15s", word, rest);
  printf("%d: %s %s\n", got, word, rest);
  printf("%d\n", getchar());
  got = scanf("%d", &a);
  printf("%d\n", got);
  while (fgets(line, sizeof line, stdin)) printf("[%s]", line);
  printf(" %d %d %d\n", feof(stdin) != 0, getchar(), scanf("%d", &a));
  printf("%d", sscanf("17 apples 3.5", "%d %s %lf", &a, word, &x));
  printf(" %d %s %.2f\n", a, word, x);
  printf("%d\n", sscanf("5:6", "%d:%d", &a, &b));
  printf("%d", sscanf("key = some value; 12-x]", "%[a-z] = %[^;];%d%[]x-]", word, rest, &a, line));
  printf(" %s/%s/%d/%s\n", word, rest, a, line);
  printf("%d %d\n", sscanf("abc", "%[0-9]", word), fscanf(stdin, "%d", &a));
  printf("%.7g %.7g\n", strtof("0.1", NULL), strtof("1e-3x", &end));
  ungetc('u', stdin);
  printf("%c\n", getchar());
  return 0;
}
