/* SHA-256 of four messages, after FIPS 180-4. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the
   first 8 (FIPS 180-4, 4.2.2 and 5.3.3). Found by search: the largest x with x^3 <= p * 2^96; its low 32 bits are kept. */
static uint32_t constants[64], state[8];

static int is_prime(int n) {
  for (int d = 2; d * d <= n; d++) {
    if (n % d == 0) return 0;
  }
  return 1;
}

/* Whether x^power <= p * 2^(32 power), for x below 2^35, in words of 32 bits. */
static int root_fits(uint64_t x, int power, int p) {
  uint32_t number[8] = {1};
  for (int factor = 0; factor < power; factor++) {
    uint32_t low = (uint32_t)x, high = (uint32_t)(x >> 32), result[8] = {0};
    uint64_t carry = 0;
    for (int i = 0; i < 8; i++) {
      carry += (uint64_t)number[i] * low;
      result[i] = (uint32_t)carry;
      carry >>= 32;
    }
    carry = 0;
    for (int i = 0; i < 7; i++) {
      carry += (uint64_t)number[i] * high + result[i + 1];
      result[i + 1] = (uint32_t)carry;
      carry >>= 32;
    }
    memcpy(number, result, sizeof number);
  }
  return number[power] < (uint32_t)p && number[power + 1] == 0;
}

static uint32_t root_fraction(int power, int p) {
  uint64_t x = 0;
  for (int bit = 36; bit >= 0; bit--) {
    uint64_t larger = x | (uint64_t)1 << bit;
    if (root_fits(larger, power, p)) x = larger;
  }
  return (uint32_t)x;
}

static void find_constants(void) {
  for (int p = 2, count = 0; count < 64; p++) {
    if (!is_prime(p)) continue;
    if (count < 8) state[count] = root_fraction(2, p);
    constants[count++] = root_fraction(3, p);
  }
}

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void compress(uint32_t h[8], const unsigned char *block) {
  uint32_t w[64] = {0}, v[8];
  for (int i = 0; i < 16; i++) {
    for (int j = 0; j < 4; j++) w[i] = w[i] << 8 | block[4 * i + j];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t early = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t late = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + early + w[i - 7] + late;
  }
  memcpy(v, h, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t first = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + choice + constants[i] + w[i];
    uint32_t second = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + majority;
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += first;
    v[0] = first + second;
  }
  for (int i = 0; i < 8; i++) h[i] += v[i];
}

static void print_hash(const char *message) {
  unsigned char block[64];
  uint32_t h[8];
  size_t length = strlen(message), at = 0;
  memcpy(h, state, sizeof h);
  for (; length - at >= 64; at += 64) compress(h, (const unsigned char *)message + at);
  memset(block, 0, sizeof block);
  memcpy(block, message + at, length - at);
  block[length - at] = 0x80;
  if (length - at >= 56) {
    compress(h, block);
    memset(block, 0, sizeof block);
  }
  for (int i = 0; i < 8; i++) block[63 - i] = (unsigned char)((uint64_t)length * 8 >> 8 * i);
  compress(h, block);
  for (int i = 0; i < 8; i++) printf("%08x", (unsigned)h[i]);
  printf("  \"%s\"\n", message);
}

int main(void) {
  find_constants();
  print_hash("");
  print_hash("abc");
  print_hash("a transformer is a computer");
  print_hash("sixty-four bytes and a few more, so that there are two blocks of them");
  return 0;
}
