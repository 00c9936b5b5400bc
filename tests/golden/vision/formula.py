"""Numbers from a tensor's name, a picture from a seed: the same as tests/unit/vision/formula.h. Needs numpy."""
import numpy as np


def name_hash(name):
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def uniform(seed, count):
    """[-1, 1), 24 bits."""
    x = (np.arange(count, dtype=np.uint32) + np.uint32(seed)) * np.uint32(2654435761)
    x ^= x >> np.uint32(15)
    x *= np.uint32(2246822519)
    x ^= x >> np.uint32(13)
    return (x >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def formula_tensor(name, shape):
    u = uniform(name_hash(name), int(np.prod(shape)))
    if len(shape) == 4:
        u = u * np.float32(np.sqrt(6 / np.prod(shape[1:])))
    elif name.endswith('running_var'):
        u = np.float32(1) + u / np.float32(2)
    elif name.endswith('.weight'):
        u = np.float32(1) + u / np.float32(4)
    else:
        u = u / np.float32(4)
    return u.reshape(shape)


def formula_picture(seed, side):
    """Smooth colour waves with some noise; integers only."""
    y, x, c = np.meshgrid(np.arange(side), np.arange(side), np.arange(3), indexing='ij')
    wave = (x * (c + 1 + seed) + y * (3 - c)) % 256
    noise = (x * 31 + y * 17 + c * 7 + x * y) % 32
    return (np.abs(wave - 128) * 7 // 4 + noise).clip(0, 255).astype(np.uint8)
