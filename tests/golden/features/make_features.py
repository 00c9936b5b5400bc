"""Makes the small feature and caption files that features_test.c, captions_talk_test.c and tests/e2e/features.sh read, in the
layouts that self-critical.pytorch's scripts (prepro_feats.py, make_bu_data.py, prepro_labels.py) and Meshed-Memory Transformer's
features file have. Feature f of cell n of picture id is ((7 id + 13 n + 5 f) mod 61 - 20) / 8: exact in float16.

usage: make_features.py FOLDER        (numpy 2.4, h5py 3.16)
"""
import json
import os
import sys

import h5py
import numpy as np

F = 6
CELLS = {391895: 3, 522418: 5, 184613: 1, 318219: 4, 554625: 5, 574769: 2, 60623: 4, 309022: 3}
SPLITS = ['train', 'train', 'val', 'restval', 'test', 'train', 'val', 'train']
CAPTIONS = [['a man riding a bike', 'a man rides a red bike'], ['a woman cutting a cake', 'a UNK with a cake'],
            ['a man in the kitchen'], ['a child and a cake', 'the child eats'], ['a boy at a computer'],
            ['a man and a woman in the kitchen', 'a woman rides a bike', 'a red cake'], ['a red bike'], ['a UNK man']]


def values(number, cells):
    n, f = np.meshgrid(np.arange(cells), np.arange(F), indexing='ij')
    return (((7 * number + 13 * n + 5 * f) % 61 - 20) / 8).astype(np.float32)


def folder(name):
    path = os.path.join(sys.argv[1], name)
    os.makedirs(path, exist_ok=True)
    return path


def path(name):
    return os.path.join(sys.argv[1], name)


att, fc, grid, odd = folder('cocobu_att'), folder('cocobu_fc'), folder('cocotalk_att'), folder('odd')
for number, cells in CELLS.items():
    x = values(number, cells)
    np.savez_compressed(os.path.join(att, str(number)), feat=x)  # make_bu_data.py
    np.save(os.path.join(fc, str(number)), values(number, 1)[0])
    np.savez(os.path.join(grid, str(number)), feat=values(number, 4).reshape(2, 2, F))  # prepro_feats.py: [rows, columns, F]
with h5py.File(path('cocobu_att.h5'), 'w') as h:
    for number, cells in CELLS.items():
        h.create_dataset(str(number), data=values(number, cells), compression='gzip' if cells > 3 else None)
with h5py.File(path('coco_detections.hdf5'), 'w') as h:
    for number, cells in CELLS.items():
        h.create_dataset('%d_features' % number, data=values(number, cells))
        h.create_dataset('%d_boxes' % number, data=np.zeros((cells, 4), np.float32))

x = values(1, 3)
np.save(os.path.join(odd, 'fortran.npy'), np.asfortranarray(x.reshape(1, 3, F)))
np.save(os.path.join(odd, 'fortran2.npy'), np.asfortranarray(x))
np.save(os.path.join(odd, 'half.npy'), x.astype(np.float16))
np.savez(os.path.join(odd, 'double.npz'), x=x.astype(np.float64))  # another name, but the only array
np.savez(os.path.join(odd, 'names.npz'), boxes=x, classes=x)
np.save(os.path.join(odd, 'big.npy'), x.astype('>f4'))
np.save(os.path.join(odd, 'whole.npy'), x.astype(np.int32))
np.save(os.path.join(odd, 'deep.npy'), x.reshape(1, 1, 3, F))
np.save(os.path.join(odd, 'none.npy'), x[:0])
np.save(os.path.join(odd, 'wide.npy'), np.zeros((2, F + 1), np.float32))
bad = x.copy()
bad[1, 2] = np.nan
np.save(os.path.join(odd, 'nan.npy'), bad)
whole = open(os.path.join(att, '522418.npz'), 'rb').read()
open(os.path.join(odd, 'cut.npz'), 'wb').write(whole[:-30])
flipped = bytearray(whole)
flipped[90] ^= 255
open(os.path.join(odd, 'flipped.npz'), 'wb').write(flipped)
whole = open(os.path.join(odd, 'half.npy'), 'rb').read()
open(os.path.join(odd, 'short.npy'), 'wb').write(whole[:-4])

words = sorted({w for captions in CAPTIONS for c in captions for w in c.split() if w != 'UNK'}) + ['UNK']
number_of = {w: i + 1 for i, w in enumerate(words)}
labels, start, end, length = [], [], [], []
for captions in CAPTIONS:
    start.append(len(labels) + 1)
    for c in captions:
        ids = [number_of[w] for w in c.split()][:16]
        length.append(len(ids))
        labels.append(ids + [0] * (16 - len(ids)))
    end.append(len(labels))
with h5py.File(path('cocotalk_label.h5'), 'w') as h:
    for name, data in (('labels', labels), ('label_start_ix', start), ('label_end_ix', end), ('label_length', length)):
        h.create_dataset(name, dtype='uint32', data=np.array(data))
name = lambda number: 'val2014/COCO_val2014_%012d.jpg' % number
images = [{'split': s, 'file_path': name(n), 'id': n, 'width': 640, 'height': 480} for n, s in zip(CELLS, SPLITS)]
json.dump({'images': images, 'ix_to_word': {str(i): w for w, i in number_of.items()}}, open(path('cocotalk.json'), 'w'))
karpathy = [{'filename': os.path.basename(name(n)), 'filepath': 'val2014', 'cocoid': n, 'imgid': i, 'split': s,
             'sentences': [{'raw': c.replace('UNK', 'zebra').capitalize() + '.'} for c in captions]}
            for i, (n, s, captions) in enumerate(zip(CELLS, SPLITS, CAPTIONS))]
json.dump({'images': karpathy, 'dataset': 'coco'}, open(path('dataset_coco.json'), 'w'))
