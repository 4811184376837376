#include <stdlib.h>

enum { HANDLERS = 32 };
static void (*handlers[HANDLERS])(void);
static int registered;
extern void (*seme_at_exit)(void);

static void run_handlers(void) {
  while (registered) handlers[--registered]();
}

int atexit(void (*handler)(void)) {
  if (registered == HANDLERS) return 1;
  handlers[registered++] = handler;
  seme_at_exit = run_handlers;
  return 0;
}
