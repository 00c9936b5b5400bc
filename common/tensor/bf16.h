/* The kernel of products whose operands are rounded to bfloat16 (to nearest, ties to even) and summed in float32. By
 * AVX-512-BF16 where the processor has it, else by plain vector code. */
#ifndef TROUPE_TENSOR_BF16_H
#define TROUPE_TENSOR_BF16_H

#include "common/tensor/product.h"

/* Named "AVX-512" or "portable". */
const ProductKernel *bf16_kernel(void);

/* To go by the latter on any processor from now on (tests). */
void bf16_portable_set(bool portable);

#endif
