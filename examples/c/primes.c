/* The sieve of Eratosthenes: how many primes there are below 10,000, and the last ten. */
#include <stdbool.h>
#include <stdio.h>

enum { LIMIT = 10000 };
static bool composite[LIMIT];

int main(void) {
  int count = 0, last[10] = {0};
  for (int n = 2; n < LIMIT; n++) {
    if (composite[n]) continue;
    last[count++ % 10] = n;
    for (int multiple = n * n; multiple < LIMIT; multiple += n) composite[multiple] = true;
  }
  printf("%d primes below %d, the last ten:", count, LIMIT);
  for (int i = 0; i < 10; i++) printf(" %d", last[(count + i) % 10]);
  printf("\n");
  return 0;
}
