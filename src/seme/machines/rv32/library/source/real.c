/* Decimals to doubles, to the nearest, halves to even: digits * 10^exponent in whole words; what is cut off is noted. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
  DIGITS = 800,            /* more than the 767 that can decide a rounding; later ones only say "a little more" */
  SMALLEST = -345,         /* below 10^-345 everything rounds to zero */
  LARGEST = 310,
  CHUNK_DIGITS = 9,
  /* Bits of all digits, or of 10^(DIGITS - SMALLEST) times 2^64; 10 is less than 2^(10/3). */
  WORDS = ((DIGITS - SMALLEST) * 10 / 3 + 64 + DIGITS * 10 / 3) / 32 + 4,
};

typedef struct {
  uint32_t word[WORDS];
  int used, inexact;
} big;

static uint32_t power_of_ten(int exponent) {
  uint32_t power = 1;
  while (exponent--) power *= 10;
  return power;
}

static void multiply_add(big *number, uint32_t factor, uint32_t more) {
  uint64_t carry = more;
  for (int i = 0; i < number->used; i++) {
    carry += (uint64_t)number->word[i] * factor;
    number->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry) number->word[number->used++] = (uint32_t)carry;
}

static void divide(big *number, uint32_t divisor) {
  uint64_t rest = 0;
  for (int i = number->used; i--;) {
    uint64_t part = rest << 32 | number->word[i];
    number->word[i] = (uint32_t)(part / divisor);
    rest = part % divisor;
  }
  number->inexact |= rest != 0;
  while (number->used && !number->word[number->used - 1]) number->used--;
}

static void shift_words(big *number, int words) {
  memmove(number->word + words, number->word, (size_t)number->used * sizeof *number->word);
  memset(number->word, 0, (size_t)words * sizeof *number->word);
  number->used += words;
}

static int bit_at(const big *number, int bit) { return number->word[bit / 32] >> bit % 32 & 1; }

/* number * 2^exponent as the bits of a double. */
static uint64_t round_to_double(const big *number, int exponent) {
  if (!number->used) return 0;
  int bits = number->used * 32;
  while (!bit_at(number, bits - 1)) bits--;
  /* The lowest bit kept: 53 in all, or fewer where the number is too small for that. */
  int lowest = bits - 53;
  if (lowest + exponent < -1074) lowest = -1074 - exponent;
  uint64_t mantissa = 0;
  for (int bit = bits - 1; bit >= lowest; bit--) mantissa = mantissa << 1 | (uint64_t)(bit >= 0 && bit_at(number, bit));
  int half = lowest >= 1 && lowest <= bits && bit_at(number, lowest - 1), more = number->inexact;
  for (int bit = 0; bit < lowest - 1 && bit < bits && !more; bit++) more = bit_at(number, bit);
  if (half && (more || (mantissa & 1))) mantissa++;
  /* A mantissa of 53 bits carries its top bit into the exponent; so does one that was rounded up to 54. */
  int biased = lowest + exponent + 1074;
  if (biased > 2046) return (uint64_t)2047 << 52;
  uint64_t result = ((uint64_t)(unsigned)biased << 52) + mantissa;
  return result >> 52 >= 2047 ? (uint64_t)2047 << 52 : result;
}

static uint64_t scale(big *number, int exponent) {
  if (exponent >= 0) {
    for (; exponent; exponent -= exponent < CHUNK_DIGITS ? exponent : CHUNK_DIGITS) {
      multiply_add(number, power_of_ten(exponent < CHUNK_DIGITS ? exponent : CHUNK_DIGITS), 0);
    }
    return round_to_double(number, 0);
  }
  int words = (-exponent * 10 / 3 + 64) / 32 + 1;
  shift_words(number, words);
  for (; exponent; exponent += -exponent < CHUNK_DIGITS ? -exponent : CHUNK_DIGITS) {
    divide(number, power_of_ten(-exponent < CHUNK_DIGITS ? -exponent : CHUNK_DIGITS));
  }
  return round_to_double(number, -32 * words);
}

static const char *read_exponent(const char *at, int *exponent) {
  if ((*at | 32) != 'e') return at;
  const char *digit = at + 1;
  int negative = *digit == '-', value = 0;
  if (*digit == '-' || *digit == '+') digit++;
  if (!isdigit((unsigned char)*digit)) return at;
  for (; isdigit((unsigned char)*digit); digit++) {
    if (value < 100000) value = value * 10 + (*digit - '0');
  }
  *exponent += negative ? -value : value;
  return digit;
}

double strtod(const char *text, char **end) {
  static big number;
  const char *at = text;
  while (isspace((unsigned char)*at)) at++;
  int negative = *at == '-', seen = 0, kept = 0, point = 0, exponent = 0;
  if (*at == '-' || *at == '+') at++;
  number.used = number.inexact = 0;
  for (;; at++) {
    if (*at == '.' && !point) {
      point = 1;
    } else if (isdigit((unsigned char)*at)) {
      seen = 1;
      if (kept < DIGITS) {
        multiply_add(&number, 10, (uint32_t)(*at - '0'));
        kept += number.used != 0;
        exponent -= point;
      } else {
        number.inexact |= *at != '0';
        exponent += !point;
      }
    } else {
      break;
    }
  }
  if (seen) at = read_exponent(at, &exponent);
  if (end) *end = (char *)(seen ? at : text);
  uint64_t bits = 0;
  if (number.used && kept + exponent > LARGEST) bits = (uint64_t)2047 << 52;
  else if (number.used && kept + exponent > SMALLEST) bits = scale(&number, exponent);
  if (number.used && (bits == 0 || bits >> 52 == 2047)) errno = ERANGE;
  if (seen) bits |= (uint64_t)negative << 63;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

double atof(const char *text) { return strtod(text, NULL); }
float strtof(const char *text, char **end) { return (float)strtod(text, end); }
