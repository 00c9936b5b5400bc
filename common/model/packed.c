/* Linear layers over the laid-out operand of product.h. */
#include "common/model/packed.h"

#include "common/tensor/gemm.h"
#include "common/tensor/kernels.h"

size_t packed_floats(int out, int in) { return product_words(gemm_kernel(), out, in); }

void packed_fill(int out, int in, const float *weight, float *packed) {
  product_pack(gemm_kernel(), true, out, in, weight, in, (Word *)packed);
}

void packed_linear(int rows, int in, int out, const float *x, const float *packed, const float *bias, float *y) {
  product_packed(gemm_kernel(), rows, out, in, x, in, (const Word *)packed, y, out);
  if (bias) bias_add(rows, out, y, bias);
}
