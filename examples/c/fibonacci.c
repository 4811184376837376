/* Fibonacci numbers three ways: by recursion, by a loop, and far beyond 64 bits as decimal digits. */
#include <stdint.h>
#include <stdio.h>

static int recursive(int n) { return n < 2 ? n : recursive(n - 1) + recursive(n - 2); }

enum { DIGITS = 64 };
static unsigned char first[DIGITS], second[DIGITS];

int main(void) {
  printf("recursive: %d\n", recursive(16));

  uint64_t a = 0, b = 1;
  for (int i = 0; i < 90; i++) {
    uint64_t next = a + b;
    a = b;
    b = next;
  }
  printf("loop: %llu\n", (unsigned long long)a);

  second[0] = 1;
  for (int i = 0; i < 300; i++) {
    int carry = 0;
    for (int j = 0; j < DIGITS; j++) {
      int sum = first[j] + second[j] + carry;
      first[j] = second[j];
      second[j] = (unsigned char)(sum % 10);
      carry = sum / 10;
    }
  }
  int top = DIGITS - 1;
  while (top > 0 && first[top] == 0) top--;
  printf("digits: ");
  while (top >= 0) putchar('0' + first[top--]);
  putchar('\n');
  return 0;
}
