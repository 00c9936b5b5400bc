/* The kernel of products in float32, for the instruction set the compiler was told of (lanes.h). */
#ifndef TROUPE_TENSOR_FLOAT32_H
#define TROUPE_TENSOR_FLOAT32_H

#include "common/tensor/product.h"

extern const ProductKernel float32_kernel;

#endif
