/* The Mandelbrot set in fixed point: 12 bits after the point, 32-bit products. */
#include <stdint.h>
#include <stdio.h>

enum { ONE = 1 << 12, WIDTH = 64, HEIGHT = 24, DEPTH = 40 };

int main(void) {
  static const char shade[] = " .:-=+*#%@";
  for (int row = 0; row < HEIGHT; row++) {
    for (int column = 0; column < WIDTH; column++) {
      int32_t cx = -2 * ONE - ONE / 4 + column * (13 * ONE / 4) / WIDTH;
      int32_t cy = -5 * ONE / 4 + row * (5 * ONE / 2) / (HEIGHT - 1), x = 0, y = 0;
      int steps = 0;
      for (; steps < DEPTH; steps++) {
        int32_t xx = x * x / ONE, yy = y * y / ONE;
        if (xx + yy > 4 * ONE) break;
        y = 2 * x * y / ONE + cy;
        x = xx - yy + cx;
      }
      putchar(shade[steps * 9 / DEPTH]);
    }
    putchar('\n');
  }
  return 0;
}
