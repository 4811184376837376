/* The heap: blocks in a list ordered by address, first fit, neighbours joined when freed.
   The heap has all memory from the end of the program to the middle of the address space, the stack the rest. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16 };
static const uintptr_t HEAP_END = 0x80000000u;

typedef struct block {
  size_t size;         /* of the whole block, this header included */
  struct block *next;  /* the next free block, when free */
} __attribute__((aligned(16))) block;

extern char __heap_start[];
static uintptr_t fresh;      /* memory from here on was never handed out */
static block *free_blocks;

static block *take_fresh(size_t size) {
  if (!fresh) fresh = (uintptr_t)__heap_start;
  if (size > HEAP_END - fresh) {
    errno = ENOMEM;
    return NULL;
  }
  block *taken = (block *)fresh;
  fresh += size;
  taken->size = size;
  return taken;
}

void *malloc(size_t size) {
  if (size > HEAP_END) {
    errno = ENOMEM;
    return NULL;
  }
  size = (size + sizeof(block) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  for (block **link = &free_blocks; *link; link = &(*link)->next) {
    block *found = *link;
    if (found->size < size) continue;
    if (found->size - size < 2 * sizeof(block)) {
      *link = found->next;
    } else {
      block *rest = (block *)((char *)found + size);
      rest->size = found->size - size;
      rest->next = found->next;
      *link = rest;
      found->size = size;
    }
    return found + 1;
  }
  block *taken = take_fresh(size);
  return taken ? taken + 1 : NULL;
}

static void join_next(block *first) {
  block *next = first->next;
  if ((char *)first + first->size == (char *)next) {
    first->size += next->size;
    first->next = next->next;
  }
}

void free(void *memory) {
  if (!memory) return;
  block *freed = (block *)memory - 1;
  block *before = NULL;
  block *after = free_blocks;
  while (after && after < freed) {
    before = after;
    after = after->next;
  }
  freed->next = after;
  join_next(freed);
  if (before) {
    before->next = freed;
    join_next(before);
  } else {
    free_blocks = freed;
  }
}

void *calloc(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) {
    errno = ENOMEM;
    return NULL;
  }
  void *memory = malloc(total);
  return memory ? memset(memory, 0, total) : NULL;
}

void *realloc(void *memory, size_t size) {
  if (!memory) return malloc(size);
  size_t held = ((block *)memory - 1)->size - sizeof(block);
  if (size <= held) return memory;
  void *larger = malloc(size);
  if (!larger) return NULL;
  memcpy(larger, memory, held);
  free(memory);
  return larger;
}
