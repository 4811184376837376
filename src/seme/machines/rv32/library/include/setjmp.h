#ifndef SEME_SETJMP_H
#define SEME_SETJMP_H

typedef int jmp_buf[14];

int setjmp(jmp_buf here) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf there, int value);
#define setjmp(here) setjmp(here)

#endif
