/* The product of two matrices of integers, and the determinant of a small one in floating point. */
#include <math.h>
#include <stdio.h>

enum { SIZE = 16, SMALL = 4 };
static int a[SIZE][SIZE], b[SIZE][SIZE], product[SIZE][SIZE];

static double determinant(double m[SMALL][SMALL]) {
  double result = 1;
  for (int i = 0; i < SMALL; i++) {
    int pivot = i;
    for (int row = i + 1; row < SMALL; row++) {
      if (fabs(m[row][i]) > fabs(m[pivot][i])) pivot = row;
    }
    if (pivot != i) {
      for (int k = 0; k < SMALL; k++) {
        double kept = m[i][k];
        m[i][k] = m[pivot][k];
        m[pivot][k] = kept;
      }
      result = -result;
    }
    result *= m[i][i];
    for (int row = i + 1; row < SMALL; row++) {
      double factor = m[row][i] / m[i][i];
      for (int k = i; k < SMALL; k++) m[row][k] -= factor * m[i][k];
    }
  }
  return result;
}

int main(void) {
  for (int i = 0; i < SIZE; i++) {
    for (int j = 0; j < SIZE; j++) {
      a[i][j] = (i * 7 + j * 3) % 19 - 9;
      b[i][j] = (i * 5 - j * 11) % 23;
    }
  }
  long trace = 0;
  for (int i = 0; i < SIZE; i++) {
    for (int j = 0; j < SIZE; j++) {
      for (int k = 0; k < SIZE; k++) product[i][j] += a[i][k] * b[k][j];
    }
    trace += product[i][i];
  }
  for (int i = 0; i < SIZE; i += 5) {
    for (int j = 0; j < SIZE; j += 3) printf("%6d", product[i][j]);
    printf("\n");
  }
  printf("trace %ld\n", trace);

  double m[SMALL][SMALL] = {{2.5, -1, 0, 3}, {1, 4.25, -2, 0.5}, {0, 1, 3, -1}, {-2, 0.75, 1, 5}};
  printf("determinant %.6f\n", determinant(m));
  return 0;
}
