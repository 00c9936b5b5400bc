"""Prints resize_golden.h: what Pillow's bicubic resize makes of small pictures by formula.  Needs pillow, numpy.

usage: make_resize_golden.py > resize_golden.h
Two steps, rows first: newer versions of Pillow choose the order by shape, which changes the rounding between the steps.
"""
import numpy as np
from PIL import Image

print('/* Written by make_resize_golden.py. */')
print('static const struct {\n  int in_width, in_height, width, height;\n  unsigned char rgb[192];\n} resize_golden[] = {')
for w, h, W, H in [(5, 4, 7, 3), (31, 17, 6, 5), (40, 60, 5, 8), (3, 2, 8, 8), (9, 6, 9, 3), (1, 1, 4, 2)]:
    j = np.arange(w * h * 3)
    a = Image.fromarray(((j * 37 + j * j % 101) % 256).astype(np.uint8).reshape(h, w, 3))
    r = np.array(a.resize((W, h), Image.BICUBIC).resize((W, H), Image.BICUBIC)).ravel()
    print('    {%d, %d, %d, %d, {%s}},' % (w, h, W, H, ', '.join(map(str, r))))
print('};')
