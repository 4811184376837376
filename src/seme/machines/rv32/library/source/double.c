/* Doubles as decimals, every digit exact: the fraction is multiplied by ten, the integer divided, in whole words.
   Uses integers only, so that printing a double brings no software floating point with it. */
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include "format.h"

enum {
  WORDS = 36,                  /* 1,074 bits below the point, or 1,024 above it */
  CHUNK_DIGITS = 9,
  CHUNK = 1000000000,          /* the largest power of ten in a word */
  INTEGER_DIGITS = 309,
  FRACTION_DIGITS = 1074,      /* all further digits of any double are zeros */
  BUFFER = 1 + INTEGER_DIGITS + FRACTION_DIGITS + CHUNK_DIGITS,
};

typedef struct {
  char text[BUFFER];  /* text[0] is kept for a carry */
  int integer;        /* digits before the point, leading zeros included */
  int length;         /* digits in all */
} decimal;

typedef struct {
  uint32_t word[WORDS];  /* the first is the lowest */
  int used;
} big;

static void put_chunk(char *to, uint32_t value, int count) {
  for (; count--; value /= 10) to[count] = (char)('0' + value % 10);
}

/* mantissa * 2^shift, or, for a fraction, mantissa * 2^shift in units of 2^(-32 used). */
static void set_shifted(big *number, uint64_t mantissa, int shift) {
  memset(number, 0, sizeof *number);
  int word = shift / 32, bits = shift % 32;
  number->word[word] = (uint32_t)(mantissa << bits);
  number->word[word + 1] = (uint32_t)(mantissa >> (32 - bits));
  if (bits) number->word[word + 2] = (uint32_t)(mantissa >> 32 >> (32 - bits));
  number->used = word + 3;
}

static int divide_by_chunk(big *number, uint32_t *rest) {
  uint64_t carry = 0;
  while (number->used && number->word[number->used - 1] == 0) number->used--;
  if (!number->used) return 0;
  for (int i = number->used; i--;) {
    uint64_t part = carry << 32 | number->word[i];
    number->word[i] = (uint32_t)(part / CHUNK);
    carry = part % CHUNK;
  }
  *rest = (uint32_t)carry;
  return 1;
}

static uint32_t multiply(big *fraction, uint32_t factor) {
  uint64_t carry = 0;
  for (int i = 0; i < fraction->used; i++) {
    carry += (uint64_t)fraction->word[i] * factor;
    fraction->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return (uint32_t)carry;
}

static void write_integer(decimal *out, uint64_t mantissa, int shift) {
  uint32_t chunks[(INTEGER_DIGITS + CHUNK_DIGITS) / CHUNK_DIGITS];
  int count = 0;
  if (shift <= 0) {
    if (shift > -64) mantissa >>= -shift;
    else mantissa = 0;
    for (; mantissa; mantissa /= CHUNK) chunks[count++] = (uint32_t)(mantissa % CHUNK);
  } else {
    big number;
    set_shifted(&number, mantissa, shift);
    while (divide_by_chunk(&number, &chunks[count])) count++;
  }
  out->integer = 0;
  while (count--) {
    put_chunk(out->text + 1 + out->integer, chunks[count], CHUNK_DIGITS);
    out->integer += CHUNK_DIGITS;
  }
  out->length = out->integer;
}

static int is_zero(const big *fraction) {
  for (int i = 0; i < fraction->used; i++) {
    if (fraction->word[i]) return 0;
  }
  return 1;
}

static void set_fraction(big *fraction, uint64_t mantissa, int shift) {
  fraction->used = 0;
  if (shift >= 0) return;
  /* As many words as the lowest bit needs; the integer part falls off above them. */
  int used = (-shift + 31) / 32;
  if (-shift < 53) mantissa &= ((uint64_t)1 << -shift) - 1;
  set_shifted(fraction, mantissa, used * 32 + shift);
  fraction->used = used;
}

/* Writes digits until `length` of them stand there, or until all that follow are zeros. */
static void write_fraction(decimal *out, big *fraction, int length) {
  while (out->length < length && !is_zero(fraction)) {
    int missing = length - out->length, count = 0;
    uint32_t power = 1;
    for (; count < CHUNK_DIGITS && count < missing; count++) power *= 10;
    put_chunk(out->text + 1 + out->length, multiply(fraction, power), count);
    out->length += count;
  }
}

/* Cuts the number to `length` digits, to the nearest, halves to even. What follows the buffer is in `fraction`. */
static void round_to(decimal *out, const big *fraction, int length) {
  char *digits = out->text + 1;
  if (length > out->length) return;
  int up, half;
  if (length < out->length) {
    half = digits[length] == '5' && is_zero(fraction);
    for (int i = length + 1; i < out->length; i++) half = half && digits[i] == '0';
    up = digits[length] >= '5';
  } else {
    uint32_t top = fraction->used ? fraction->word[fraction->used - 1] : 0;
    half = top == 0x80000000u;
    for (int i = 0; i < fraction->used - 1; i++) half = half && fraction->word[i] == 0;
    up = top >> 31;
  }
  out->length = length;
  if (half) up = length > 0 && (digits[length - 1] & 1);
  if (!up) return;
  int at = length - 1;
  while (at >= 0 && digits[at] == '9') digits[at--] = '0';
  if (at >= 0) {
    digits[at]++;
    return;
  }
  memmove(digits + 1, digits, (size_t)length);
  digits[0] = '1';
  out->integer++;
  out->length++;
}

static void drop_leading_zeros(decimal *out, int keep_integer) {
  int zeros = 0;
  while (zeros < out->length && out->text[1 + zeros] == '0' && (!keep_integer || zeros < out->integer)) zeros++;
  memmove(out->text + 1, out->text + 1 + zeros, (size_t)(out->length - zeros));
  out->integer -= zeros;
  out->length -= zeros;
}

static void split(double value, uint64_t *mantissa, int *shift) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  int exponent = (int)(bits >> 52 & 2047);
  *mantissa = bits & (((uint64_t)1 << 52) - 1);
  if (exponent) *mantissa |= (uint64_t)1 << 52;
  else exponent = 1;
  *shift = exponent - 1075;
}

/* `count` digits after the point. */
static void fixed_digits(decimal *out, double value, int count) {
  uint64_t mantissa;
  int shift;
  big fraction;
  split(value, &mantissa, &shift);
  write_integer(out, mantissa, shift);
  drop_leading_zeros(out, 1);
  set_fraction(&fraction, mantissa, shift);
  int length = out->integer + (count < FRACTION_DIGITS ? count : FRACTION_DIGITS);
  write_fraction(out, &fraction, length);
  round_to(out, &fraction, length);
}

/* `count` digits from the first that is not zero; out->integer - 1 is then the exponent. */
static void leading_digits(decimal *out, double value, int count) {
  uint64_t mantissa;
  int shift;
  big fraction;
  split(value, &mantissa, &shift);
  write_integer(out, mantissa, shift);
  drop_leading_zeros(out, 1);
  set_fraction(&fraction, mantissa, shift);
  /* Below one: digits are written until one is not zero, and the zeros before it dropped. */
  while (out->length == 0 && !is_zero(&fraction)) {
    int before = out->integer;
    write_fraction(out, &fraction, CHUNK_DIGITS);
    out->integer = 0;
    drop_leading_zeros(out, 0);
    out->integer += before;
  }
  if (!mantissa) {
    out->integer = 1;
    out->text[1] = '0';
    out->length = 1;
  }
  if (count > INTEGER_DIGITS + FRACTION_DIGITS) count = INTEGER_DIGITS + FRACTION_DIGITS;
  write_fraction(out, &fraction, count);
  int integer = out->integer;
  round_to(out, &fraction, count);
  if (out->integer > integer) out->length = count;
}

static char digit_at(const decimal *from, int index) {
  return index >= 0 && index < from->length ? from->text[1 + index] : '0';
}

static void put_parts(sink *to, const conversion *c, char sign, const decimal *from, int integer, int fraction,
                      const char *ending) {
  int first = from->integer - integer, point = fraction > 0 || c->alternate;
  int length = integer + point + fraction + (int)strlen(ending);
  int pad = c->width - length - (sign != 0);
  if (!c->left && !c->zero) seme_put_many(to, ' ', pad);
  if (sign) seme_put(to, sign);
  if (!c->left && c->zero) seme_put_many(to, '0', pad);
  for (int i = 0; i < integer; i++) seme_put(to, digit_at(from, first + i));
  if (point) seme_put(to, '.');
  for (int i = 0; i < fraction; i++) seme_put(to, digit_at(from, from->integer + i));
  while (*ending) seme_put(to, *ending++);
  if (c->left) seme_put_many(to, ' ', pad);
}

static void put_fixed(sink *to, const conversion *c, char sign, const decimal *from, int precision) {
  put_parts(to, c, sign, from, from->integer > 0 ? from->integer : 1, precision, "");
}

static void put_scientific(sink *to, const conversion *c, char sign, decimal *from, int precision) {
  char ending[6];
  int exponent = from->integer - 1, size = exponent < 0 ? -exponent : exponent, three = size >= 100;
  ending[0] = c->letter & 32 ? 'e' : 'E';
  ending[1] = exponent < 0 ? '-' : '+';
  put_chunk(ending + 2, (uint32_t)size, 2 + three);
  ending[4 + three] = 0;
  from->integer = 1;
  put_parts(to, c, sign, from, 1, precision, ending);
}

static void put_general(sink *to, const conversion *c, char sign, decimal *out, double value, int precision) {
  if (precision == 0) precision = 1;
  leading_digits(out, value, precision);
  int exponent = out->integer - 1, digits = precision;
  if (!c->alternate) {
    digits = out->length < precision ? out->length : precision;
    while (digits > 1 && out->text[digits] == '0') digits--;
  }
  if (exponent < -4 || exponent >= precision) {
    put_scientific(to, c, sign, out, digits - 1);
  } else {
    int fraction = digits - 1 - exponent;
    put_fixed(to, c, sign, out, fraction > 0 ? fraction : 0);
  }
}

static void put_double(sink *to, const conversion *c, double value) {
  static decimal out;
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  char sign = bits >> 63 ? '-' : c->plus ? '+' : c->space ? ' ' : 0;
  int precision = c->precision < 0 ? 6 : c->precision, lower = c->letter & 32;
  if ((bits >> 52 & 2047) == 2047) {
    conversion plain = *c;
    const char prefix[2] = {sign, 0};
    const char *word = bits << 12 ? (lower ? "nan" : "NAN") : (lower ? "inf" : "INF");
    seme_put_field(to, &plain, prefix, 0, word, 3);
  } else if ((c->letter | 32) == 'f') {
    fixed_digits(&out, value, precision);
    put_fixed(to, c, sign, &out, precision);
  } else if ((c->letter | 32) == 'e') {
    leading_digits(&out, value, precision + 1);
    put_scientific(to, c, sign, &out, precision);
  } else {
    put_general(to, c, sign, &out, value, precision);
  }
}

/* The nearest double, ties to even: numbers are put out with a double's digits. */
static double narrowed(long double value) {
  uint32_t words[4];
  memcpy(words, &value, sizeof words);
  uint64_t sign = (uint64_t)(words[3] >> 31) << 63, bits;
  uint64_t fraction = (uint64_t)(words[3] & 0xffff) << 36 | (uint64_t)words[2] << 4 | words[1] >> 28;
  uint32_t below = words[1] << 4 | (words[0] != 0); /* the first bit left out, and whether any other is set */
  int exponent = (int)(words[3] >> 16 & 0x7fff);
  if (exponent == 0x7fff) {
    bits = (uint64_t)2047 << 52 | fraction | (below != 0);
  } else {
    exponent -= 16383 - 1023;
    if (exponent >= 2047) {
      bits = (uint64_t)2047 << 52;
    } else {
      int lost = exponent > 0 ? 0 : 1 - exponent;
      if (lost) fraction |= (uint64_t)1 << 52, exponent = 0;
      if (lost > 53) fraction = below = 0;
      for (; lost && fraction; lost--) {
        below = (uint32_t)(fraction & 1) << 31 | below >> 1 | (below & 1);
        fraction >>= 1;
      }
      bits = ((uint64_t)exponent << 52) + fraction;
      bits += below > 0x80000000u || (below == 0x80000000u && (bits & 1));
    }
  }
  bits |= sign;
  double narrow;
  memcpy(&narrow, &bits, sizeof narrow);
  return narrow;
}

void seme_put_real(sink *to, const conversion *c, int is_long, va_list *values) {
  put_double(to, c, is_long ? narrowed(va_arg(*values, long double)) : va_arg(*values, double));
}
