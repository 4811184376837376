# Every register is 0 when the machine starts, so the stack pointer, argc and argv already hold what they should.
  .section .text.start, "ax", @progbits
  .globl _start
_start:
  call main
  call exit
