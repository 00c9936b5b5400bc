"""Prints families_golden.h: what PyTorch makes of a picture by formula with weights by formula, rounded towards zero to bfloat16,
in the encoders of families_test.c: torchvision's ResNet-50 and 101 at 224 and 448 pixels, EfficientNet-Lite1 and 2.

Needs torch 2.13, torchvision 0.29, numpy, efficientnet_lite_pytorch 0.1.
usage: make_families_golden.py > families_golden.h
"""
import os
import sys

import numpy as np
import torch
import torchvision
from efficientnet_lite_pytorch import EfficientNet

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../deploy'))
from encoder_convert import timm_name
from formula import formula_picture, formula_tensor

KEPT = 400  # values of a grid, evenly spread over it


def bfloat_tensor(name, shape):
    """As family_tensor in families_test.c; a residual branch ends in a small factor, as training leaves it."""
    u = formula_tensor(name, shape) / np.float32(4 if name.endswith('bn3.weight') else 1)
    return (u.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def fill(net, name_of):
    state = net.state_dict()
    for k, v in state.items():
        if name_of(k) and not name_of(k).startswith(('fc.', 'classifier.')):
            state[k] = torch.from_numpy(bfloat_tensor(name_of(k), tuple(v.shape)))
    net.load_state_dict(state)
    return net.eval()


def pixels(side):
    return torch.from_numpy(formula_picture(3, side)).permute(2, 0, 1).float()[None]


def print_case(identifier, y):
    values = y.flatten(2).transpose(1, 2)[0].numpy().ravel()  # [N, F]
    step = len(values) // KEPT - 1
    print('static const double golden_%s[%d] = {' % (identifier, KEPT))
    print('    %s};' % ', '.join('%.6g' % v for v in values[:KEPT * step:step]))


torch.set_num_threads(1)
print('/* Written by make_families_golden.py. */')
print('enum { GOLDEN_KEPT = %d };' % KEPT)
with torch.no_grad():
    for depth in (50, 101):
        net = fill(getattr(torchvision.models, 'resnet%d' % depth)(), lambda k: None if 'num_batches' in k else k)
        body = torch.nn.Sequential(*list(net.children())[:-2])
        mean = torch.tensor([.485, .456, .406])[None, :, None, None]
        deviation = torch.tensor([.229, .224, .225])[None, :, None, None]
        for side in (224, 448):
            print_case('resnet%d_%d' % (depth, side), body((pixels(side) / 255 - mean) / deviation))
    for number, side in ((1, 240), (2, 260)):
        net = EfficientNet.from_name('efficientnet-lite%d' % number)
        assert net._global_params.image_size == side
        fill(net, lambda k: timm_name(k, 21))
        print_case('lite%d' % number, net.extract_features((pixels(side) - 127) / 128))
