"""RV32IM: a RISC-V computer as a trace program, and the tools around it."""
