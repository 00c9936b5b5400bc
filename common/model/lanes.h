/* Vectors of the machine's width for the register-blocked products of decoding. Include it first in the file: it
 * also lets GCC join multiplication and addition, which -std=c11 turns off. */
#ifndef TROUPE_MODEL_LANES_H
#define TROUPE_MODEL_LANES_H

#ifndef __clang__
#pragma GCC optimize("fp-contract=fast")
#endif

#ifdef __AVX512F__
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif

typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float))));

#endif
