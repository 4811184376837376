# What a function must leave as it was: where it returns to, the stack, s0 to s11.
  .macro all instruction
  \instruction ra, 0(a0)
  \instruction sp, 4(a0)
  \instruction s0, 8(a0)
  \instruction s1, 12(a0)
  \instruction s2, 16(a0)
  \instruction s3, 20(a0)
  \instruction s4, 24(a0)
  \instruction s5, 28(a0)
  \instruction s6, 32(a0)
  \instruction s7, 36(a0)
  \instruction s8, 40(a0)
  \instruction s9, 44(a0)
  \instruction s10, 48(a0)
  \instruction s11, 52(a0)
  .endm

  .section .text.setjmp, "ax", @progbits
  .globl setjmp
setjmp:
  all sw
  li a0, 0
  ret

  .section .text.longjmp, "ax", @progbits
  .globl longjmp
longjmp:
  all lw
  seqz a0, a1
  add a0, a0, a1
  ret
